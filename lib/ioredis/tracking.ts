import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import type { Client } from './client.js';

type Track = (client: Client) => void;

/** The part of a `Redis` class that is wrapped. */
interface ClientPrototype {
  connect: (this: Client, ...args: never[]) => unknown;
}

/** Who adopts the clients that log in with a password, by the password. */
const trackers = new WeakMap<object, Track>();

const patched = new WeakSet<ClientPrototype>();

/**
 * From now on every client that logs in with `password` is adopted each time it connects.
 *
 * ioredis gives a plugin no reference to the client that it works for, and `connect()` is the one method that every
 * client passes, whoever made it: on construction, on each reconnect, as a duplicate or as the node of a cluster.
 */
export function trackClientsWith(password: object, adopt: Track): void {
  trackers.set(password, adopt);
  patchConnect(Redis.prototype);
}

/** No more clients are adopted for this password. */
export function stopTracking(password: object): void {
  trackers.delete(password);
}

/** Adopts the clients of another copy of ioredis too, beginning with those that connect from now on. */
export function patchIoredisOf(client: Client): void {
  patchConnect(prototypeWithConnect(client));
}

/**
 * Adopts the clients of every copy of ioredis that has been loaded: libraries often bring a copy of their own.
 *
 * A copy that is bundled into another file cannot be found this way; its clients have to be attached.
 */
export function patchLoadedCopies(): void {
  for (const [path, module] of Object.entries(require.cache)) {
    if (!/[\\/]built[\\/]Redis\.js$/.test(path)) continue;
    const { default: candidate } = (module?.exports ?? {}) as {
      default?: { prototype?: Partial<ClientPrototype> };
    };
    if (isClientPrototype(candidate?.prototype)) patchConnect(candidate.prototype);
  }
}

const require = createRequire(import.meta.url);

function patchConnect(prototype: ClientPrototype): void {
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { connect } = prototype;
  prototype.connect = function (...args) {
    const { password } = this.options;
    if (typeof password === 'function') trackers.get(password)?.(this);
    // At once: a client that has not begun to connect when this returns breaks the commands that made it connect.
    return connect.apply(this, args);
  };
}

function prototypeWithConnect(client: Client): ClientPrototype {
  let prototype: unknown = Object.getPrototypeOf(client);
  while (typeof prototype === 'object' && prototype !== null && !Object.hasOwn(prototype, 'connect')) {
    prototype = Object.getPrototypeOf(prototype);
  }
  return prototype as ClientPrototype;
}

function isClientPrototype(prototype: Partial<ClientPrototype> | undefined): prototype is ClientPrototype {
  return typeof prototype?.connect === 'function' && 'sendCommand' in prototype;
}
