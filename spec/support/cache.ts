import type { Redis } from 'ioredis';
import {
  configureForAzure,
  type ConfiguredRedisOptions,
  type ConfigureForAzureOptions,
} from '../../lib/index.js';
import { AzureRedisEmulator } from '../../emulator/index.js';
import type { EmulatorCredential } from '../../emulator/identity.js';
import type { Variant } from './ioredis-versions.js';
import { optionsFor } from './token-options.js';
import { next } from './waiting.js';

type AzureRedisEmulatorOptions = Parameters<typeof AzureRedisEmulator.start>[0];

/**
 * A cache for a group of specs: started before them, its clients ended after each, and completely removed afterwards.
 */
export class Cache {
  #azure: AzureRedisEmulator | undefined;
  readonly #clients = new Set<Redis>();
  readonly #closers = new Set<() => void>();

  /** Declares a cache for the `describe` that calls this. */
  static forEach(options: AzureRedisEmulatorOptions = {}): Cache {
    const cache = new Cache();
    beforeEach(async () => {
      cache.#azure = await AzureRedisEmulator.start(options);
    });
    afterEach(() => cache.#stop());
    return cache;
  }

  /** Declares one cache for all specs of the `describe` that calls this. */
  static forAll(options: AzureRedisEmulatorOptions = {}): Cache {
    const cache = new Cache();
    before(async () => {
      cache.#azure = await AzureRedisEmulator.start(options);
    });
    after(() => cache.#stop());
    return cache;
  }

  /** Runs with a cache of its own. */
  static async with(options: AzureRedisEmulatorOptions, run: (cache: Cache) => Promise<void>): Promise<void> {
    const cache = new Cache();
    cache.#azure = await AzureRedisEmulator.start(options);
    try {
      await run(cache);
    } finally {
      await cache.#stop();
    }
  }

  get azure(): AzureRedisEmulator {
    if (!this.#azure) throw new Error('the cache is not started yet');
    return this.#azure;
  }

  /** Configures clients for this cache, by default with a new identity. */
  async configure(more: Partial<ConfigureForAzureOptions> = {}): Promise<ConfiguredRedisOptions> {
    const options = await configureForAzure(optionsFor(this.azure, more));
    this.#closers.add(() => {
      options.authenticator.close();
    });
    return options;
  }

  /** Creates a client with these options, which is ended after the spec. */
  client({ Redis }: Pick<Variant, 'Redis'>, options: ConfiguredRedisOptions): Redis {
    const client = new Redis(options);
    // Specs check errors where they matter; ioredis would print those without a listener.
    client.on('error', () => undefined);
    this.#clients.add(client);
    return client;
  }

  /** A client that is ready. */
  async connect(variant: Variant, options: ConfiguredRedisOptions): Promise<Redis> {
    const client = this.client(variant, { ...options, protocol: variant.protocol });
    if (client.status !== 'ready') await next(client, 'ready');
    return client;
  }

  /** Ends the clients that were created so far. */
  endClients(): void {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
  }

  async #stop(): Promise<void> {
    this.endClients();
    for (const close of this.#closers) close();
    this.#closers.clear();
    await this.#azure?.stop();
  }
}

/**
 * Declares a spec that runs with each variant at the same time, on a cache for each: most of it is waiting for tokens to
 * expire.
 */
export function itWithEach(
  variants: readonly Variant[],
  title: string,
  options: AzureRedisEmulatorOptions,
  body: (variant: Variant, cache: Cache) => Promise<void>,
): void {
  it(title, async () => {
    const outcomes = await Promise.allSettled(
      variants.map((variant) => Cache.with(options, (cache) => body(variant, cache))),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      const reason = outcome.reason as Error;
      reason.message = `${variants[index]?.name ?? ''}: ${reason.message}`;
      throw reason;
    }
  });
}

/** The number of connections on which an identity has logged in. */
export function connectionsOf(azure: AzureRedisEmulator, { oid }: EmulatorCredential): number {
  return new Set(
    azure.statistics.logins.filter(({ user }) => user === oid).map(({ connection }) => connection),
  ).size;
}
