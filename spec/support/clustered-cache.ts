import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import {
  configureClusterForAzure,
  type AzureClusterArguments,
  type ConfigureClusterForAzureOptions,
} from '../../lib/index.js';
import {
  AzureRedisEmulator,
  type AzureRedisEmulatorOptions,
  type ClusterEmulator,
} from '../../emulator/index.js';
import { hasShardedSubscribers } from './ioredis-versions.js';
import { optionsFor } from './token-options.js';
import { until } from './waiting.js';

/** A version of ioredis, and the protocol of its clusters. */
export interface ClusterVariant {
  readonly name: string;
  readonly Cluster: typeof Cluster;
  readonly Redis: typeof Redis;
  readonly protocol: 2 | 3;
}

// TypeScript treats the classes of two copies of ioredis as different types.
const FIVE = { Cluster: Cluster5 as unknown as typeof Cluster, Redis: Redis5 as unknown as typeof Redis };

/** Every supported version and protocol. ioredis 5 speaks RESP2 only. */
export const CLUSTER_VARIANTS: readonly [ClusterVariant, ...ClusterVariant[]] = [
  { name: 'ioredis 6 over RESP3', Cluster, Redis, protocol: 3 },
  { name: 'ioredis 6 over RESP2', Cluster, Redis, protocol: 2 },
  { name: 'ioredis 5', ...FIVE, protocol: 2 },
];

/** Those with sharded subscribers. */
export const SHARDED_VARIANTS = CLUSTER_VARIANTS.filter(hasShardedSubscribers);

/** A clustered cache for a group of specs: clients end after each spec, the cache after all. */
export class ClusteredCache {
  #azure: AzureRedisEmulator | undefined;
  readonly #clients = new Set<Cluster>();
  readonly #closers = new Set<() => void>();

  /** Declares one cache for all specs of the `describe` that calls this. */
  static forAll(options: AzureRedisEmulatorOptions = {}): ClusteredCache {
    const cache = new ClusteredCache();
    before(async () => {
      cache.#azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 }, ...options });
    });
    afterEach(() => {
      cache.#disconnect();
    });
    after(() => cache.#azure?.stop());
    return cache;
  }

  get azure(): AzureRedisEmulator {
    if (!this.#azure) throw new Error('the cache is not started yet');
    return this.#azure;
  }

  get cluster(): ClusterEmulator {
    return this.azure.cluster;
  }

  /** Configures clients for this cache, by default with a new identity. */
  async configure(more: Partial<ConfigureClusterForAzureOptions> = {}): Promise<AzureClusterArguments> {
    const configured = await configureClusterForAzure(optionsFor(this.azure, more));
    this.#closers.add(() => {
      configured[1].redisOptions.authenticator.close();
    });
    return configured;
  }

  /** Ends a client after the spec. */
  keep<Client extends Cluster>(client: Client): Client {
    // Specs check errors where they matter; ioredis would print those without a listener.
    client.on('error', () => undefined);
    this.#clients.add(client);
    return client;
  }

  /** A ready cluster of this variant, and its options. */
  async connect(
    variant: ClusterVariant,
    more: Partial<ConfigureClusterForAzureOptions> = {},
  ): Promise<{ cluster: Cluster; options: AzureClusterArguments[1] }> {
    const [nodes, options] = await this.configure({ protocol: variant.protocol, ...more });
    const cluster = this.keep(new variant.Cluster(nodes, options));
    await until(() => cluster.status === 'ready');
    return { cluster, options };
  }

  /** The counters with this prefix, read from the nodes directly. */
  async countersOf(prefix: string): Promise<Map<string, number>> {
    const counters = new Map<string, number>();
    for (const { server } of await this.cluster.masters()) {
      const keys = await server.call('KEYS', `${prefix}*`);
      for (const key of (Array.isArray(keys) ? keys : []).map(String)) {
        counters.set(key, Number(await server.call('GET', key)));
      }
    }
    return counters;
  }

  #disconnect(): void {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    for (const close of this.#closers) close();
    this.#closers.clear();
  }
}
