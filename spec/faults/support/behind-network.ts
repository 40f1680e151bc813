import type { Redis } from 'ioredis';
import type { ConfigureForAzureOptions, ConfiguredRedisOptions } from '../../../lib/index.js';
import { Cache } from '../../support/cache.js';
import { VARIANTS } from '../../support/ioredis-versions.js';
import { Network } from '../../support/network.js';
import { nextWhere } from '../../support/waiting.js';

/** A cache behind a network that can fail. */
export function describeBehindNetwork(
  title: string,
  tokenLifetime: number,
  specs: (cache: Cache, behind: BehindNetwork) => void,
): void {
  describe(title, () => {
    const cache = Cache.forEach({ tokenLifetime });
    const behind = new BehindNetwork(cache);
    beforeEach(() => behind.start());
    afterEach(() => behind.stop());
    specs(cache, behind);
  });
}

/** The network before a cache, and the options of clients that connect through it. */
export class BehindNetwork {
  readonly #cache: Cache;
  #network: Network | undefined;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  get network(): Network {
    if (!this.#network) throw new Error('there is no network yet');
    return this.#network;
  }

  async start(): Promise<void> {
    this.#network = await Network.to(this.#cache.azure.port);
  }

  async stop(): Promise<void> {
    await this.#network?.close();
  }

  configure(more: Partial<ConfigureForAzureOptions> = {}): Promise<ConfiguredRedisOptions> {
    return this.#cache.configure({ port: this.network.port, connectTimeout: 2_000, ...more });
  }

  /** A client of every kind, all logged in with one token. */
  async everyKind(options: ConfiguredRedisOptions): Promise<Redis[]> {
    return Promise.all(VARIANTS.map((variant) => this.#cache.connect(variant, options)));
  }
}

/** Resolves when a client emits an error with this code; errors of a reset connection may precede it. */
export async function errorOf(client: Redis, code: string): Promise<void> {
  await nextWhere<NodeJS.ErrnoException>(client, 'error', (error) => error.code === code);
}

/** Increments a counter of each client; resolves to their values. */
export function count(clients: readonly Redis[]): Promise<number[]> {
  return Promise.all(clients.map((client, index) => client.incr(`counter ${index}`)));
}
