import type { AzureRedisEmulatorOptions } from '../emulator/index.js';
import type { Load } from './load-generator.js';
import { Remote } from './remote.js';

/** How a worker reaches the cache. */
export interface CacheAddress {
  readonly host: string;
  readonly port: number;
  /** The certificate authority of its endpoint; absent for a redis-server that is reached over plain TCP. */
  readonly ca?: string;
  readonly accessKey: string;
  /** The port of the process that supplies tokens. */
  readonly tokenPort: number;
}

/** What the emulator has seen so far. */
export interface CacheStatistics {
  readonly connections: number;
  readonly logins: number;
  readonly loginTimes: readonly number[];
  readonly refusals: number;
  readonly evictions: number;
  readonly tokenRequests: number;
  readonly open: number;
}

/** A cache and its identity service, in a separate process. */
export class Cache {
  readonly address: CacheAddress;
  readonly #remote: Remote;

  private constructor(remote: Remote, address: CacheAddress) {
    this.#remote = remote;
    this.address = address;
  }

  static async start(options: AzureRedisEmulatorOptions): Promise<Cache> {
    const remote = await Remote.start('cache-process.ts');
    const address = await remote.call<Omit<CacheAddress, 'tokenPort'>>('start', options);
    return new Cache(remote, { ...address, tokenPort: remote.port });
  }

  statistics(): Promise<CacheStatistics> {
    return this.#remote.call('statistics');
  }

  /** Sends a command to redis-server, past the endpoint. */
  call<Reply>(...command: [string, ...string[]]): Promise<Reply> {
    return this.#remote.call('call', { command });
  }

  async identityDown(): Promise<void> {
    await this.#remote.call('identityDown');
  }

  async identityRestored(): Promise<void> {
    await this.#remote.call('identityRestored');
  }

  async dropConnections(): Promise<void> {
    await this.#remote.call('dropConnections');
  }

  async startLoads(loads: readonly Load[]): Promise<void> {
    await this.#remote.call('startLoads', loads);
  }

  /** Resolves with how much each load has sent. */
  stopLoads(): Promise<number[]> {
    return this.#remote.call('stopLoads');
  }

  async stop(): Promise<void> {
    await this.#remote.call('stop');
    await this.#remote.stop();
  }
}
