import { Redis } from 'ioredis';
import {
  Multiplexer,
  type AuthenticatorEvents,
  type ConfigureForAzureOptions,
  type MultiplexerEvents,
  type MultiplexerSettings,
} from '../../../lib/index.js';
import { AzureRedisEmulator, type AzureRedisEmulatorOptions } from '../../../emulator/index.js';
import { optionsFor } from '../../support/token-options.js';
import { nextWhere } from '../../support/waiting.js';

export type Recycled = AuthenticatorEvents['recycled'][0];

/** The protocols that this ioredis speaks; 5 speaks RESP2 only. */
export const PROTOCOLS: readonly (2 | 3)[] =
  new Redis({ lazyConnect: true }).options.protocol === 3 ? [3, 2] : [2];

type Options = Partial<ConfigureForAzureOptions & Omit<MultiplexerSettings, 'cluster'>>;

/** A local Azure for a group of specs, and the multiplexers that they connect to it. */
export class Multiplexers {
  readonly #open: Multiplexer<Redis>[] = [];
  #azure: AzureRedisEmulator | undefined;

  /** Declares one for every spec of the `describe` that calls this. */
  static forEach(options?: AzureRedisEmulatorOptions): Multiplexers {
    const multiplexers = new Multiplexers();
    beforeEach(() => multiplexers.#start(options));
    afterEach(() => multiplexers.#close());
    afterEach(() => multiplexers.#stop());
    return multiplexers;
  }

  /** Declares one for all specs of the `describe` that calls this. */
  static forAll(options?: AzureRedisEmulatorOptions): Multiplexers {
    const multiplexers = new Multiplexers();
    before(() => multiplexers.#start(options));
    afterEach(() => multiplexers.#close());
    after(() => multiplexers.#stop());
    return multiplexers;
  }

  get azure(): AzureRedisEmulator {
    if (!this.#azure) throw new Error('not started yet');
    return this.#azure;
  }

  /** Connects, by default with an identity of its own. */
  async connect(more: Options = {}): Promise<Multiplexer<Redis>> {
    const multiplexer = await Multiplexer.connect({ ...optionsFor(this.azure, more), cluster: false });
    this.#open.push(multiplexer);
    return multiplexer;
  }

  async #start(options?: AzureRedisEmulatorOptions): Promise<void> {
    this.#azure = await AzureRedisEmulator.start(options);
  }

  async #close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((multiplexer) => multiplexer.close()));
  }

  async #stop(): Promise<void> {
    await this.#azure?.stop();
  }
}

/** Notes what a listener is called with. */
export function recorder(): { readonly calls: unknown[][]; readonly listener: (...args: unknown[]) => void } {
  const calls: unknown[][] = [];
  return { calls, listener: (...args) => calls.push(args) };
}

/** How often the server has run a command, however its clients ended. */
export async function callsOf(azure: AzureRedisEmulator, command: string): Promise<number> {
  const text = String(await azure.server.call('INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
}

/** The next of a multiplexer's events of this name that is as wanted. */
export function eventOf<Name extends keyof MultiplexerEvents>(
  multiplexer: Multiplexer,
  name: Name,
  isWanted: (event: MultiplexerEvents[Name][0]) => boolean = () => true,
): Promise<MultiplexerEvents[Name][0]> {
  return nextWhere(multiplexer, name, isWanted);
}
