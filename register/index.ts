import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type * as Clients from './clients.js';

/** `EventEmitter`, with the function that its constructor calls, which the types do not show. */
interface EmitterClass {
  init: (this: object, options?: object) => void;
  [INSTALLED]?: true;
}

/** For all copies of this package: one of them acts. */
const INSTALLED = Symbol.for('ioredis-azure.register');

const emitters = EventEmitter as unknown as EmitterClass;

/**
 * Calls `EventEmitter.init` as before, and finds the clients of ioredis: their constructors call it, in every version and
 * every copy, bundled ones included. It runs for every emitter of the process: one property that only they have is read.
 */
function install(): void {
  const { init } = emitters;
  emitters.init = function (this: Partial<Clients.NewClient>, options) {
    init.call(this, options);
    if (typeof this.addBuiltinCommand === 'function') clientCreated(this as Clients.NewClient);
  };
  Object.defineProperty(emitters, INSTALLED, { value: true });
}

/** Loads the rest of this package with the first client: `NODE_OPTIONS` reaches processes that have none. */
function clientCreated(client: Clients.NewClient): void {
  try {
    const { clientCreated } = createRequire(import.meta.filename)('./clients.cjs') as typeof Clients;
    clientCreated(client);
  } catch (error) {
    // The program was not written with this package in mind, and connects as it would without.
    process.emitWarning('A client of ioredis could not be given a login with Microsoft Entra ID.', {
      type: 'IoredisAzureWarning',
      detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

if (!emitters[INSTALLED]) install();
