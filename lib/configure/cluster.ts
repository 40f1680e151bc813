import type { ClusterOptions } from 'ioredis';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { assertOption, conflictingOptions, invalidOption, isObject, kindOf } from '../validation.js';
import { isOtherDatabase } from './endpoint.js';
import { ADDED_OPTIONS } from './names.js';
import type {
  ConfiguredRedisOptions,
  ConfigureForAzureOptions,
  EndpointOptions,
  IdentityOptions,
} from './options.js';

/** Options of a single client that do not apply to the nodes of a cluster, or that the cluster sets itself. */
type SingleClientOptions = 'path' | 'db' | 'retryStrategy' | 'enableOfflineQueue' | 'readOnly';

/** The options of `configureClusterForAzure()`: those of `configureForAzure()`, and those of the cluster. */
export type ConfigureClusterForAzureOptions = Omit<EndpointOptions, SingleClientOptions> &
  IdentityOptions & {
    /**
     * The cluster options of ioredis. They take precedence, also over the options beside this one: `redisOptions` is
     * merged into these, and `redisOptions.tls` into `tls`.
     */
    cluster?: ClusterOptions | undefined;
  };

/** The cluster options of ioredis; `redisOptions.authenticator` keeps the connections to the nodes logged in. */
export type AzureClusterOptions = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions: ConfiguredRedisOptions;
};

/** The arguments of an ioredis `Cluster`. */
export type AzureClusterArguments = [
  startupNodes: { host: string; port: number }[],
  options: AzureClusterOptions,
];

/** The waits before a cluster without any node left connects again, in ms. */
const RECONNECT: Backoff = { minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true };

const AZURE_DEFAULTS = {
  // By default ioredis resolves the name once and keeps one address for the life of the client. Unresolved, the name is
  // resolved again for each connection.
  dnsLookup: (hostname, callback) => {
    callback(null, hostname);
  },
  // Each refresh of the slots opens a connection. The default of 1 s is short for TLS and a login from another region,
  // or in a busy process: the cluster would fail with "Failed to refresh slots cache".
  slotsRefreshTimeout: 5_000,
  // By default every client of a fleet reconnects ten times a second, each time with a TLS handshake and a login.
  clusterRetryStrategy: (times) => backoffDelay(times, RECONNECT),
  // A failover on Azure takes seconds. By default a command fails after one: each attempt on a lost node counts as two
  // redirections. These values allow 16 s.
  maxRedirections: 64,
  retryDelayOnFailover: 500,
  retryDelayOnClusterDown: 500,
  // After MOVED for one slot, ioredis redirects the whole range until it has refreshed the slots. Without a delay, the
  // commands for the other slots use up their redirections meanwhile.
  retryDelayOnMoved: 100,
} as const satisfies ClusterOptions;

/** The cluster options for Azure; the given ones take precedence. */
export function clusterOptionsForAzure(given: ClusterOptions): ClusterOptions {
  return {
    ...AZURE_DEFAULTS,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/**
 * The options of the cluster's nodes, in which `cluster.redisOptions` take precedence.
 *
 * @throws AzureRedisError `INVALID_OPTION` or `CONFLICTING_OPTIONS`.
 */
export function nodeOptionsOf({
  cluster = {},
  ...options
}: ConfigureClusterForAzureOptions): ConfigureForAzureOptions {
  assertOption(isObject(cluster), 'cluster', cluster, 'an object of cluster options', {
    hint: 'Set `cluster` to the cluster options of ioredis, or to {} for the defaults.',
    got: kindOf(cluster),
  });
  const misplaced = Object.keys(cluster).find((name) => ADDED_OPTIONS.has(name));
  if (misplaced !== undefined) {
    throw invalidOption(
      `\`cluster.${misplaced}\` is not an option of a cluster, and would be ignored.`,
      `Set \`${misplaced}\` beside \`cluster\`.`,
    );
  }
  const { redisOptions } = cluster;
  const isMerged = options.tls && redisOptions?.tls;
  const merged = {
    ...options,
    ...redisOptions,
    ...(isMerged && { tls: { ...options.tls, ...redisOptions.tls } }),
  } as ConfigureForAzureOptions; // Checked by configureForAzure(): two identities may have met.
  const { path, db } = merged;
  if (path) {
    throw conflictingOptions(
      '`path` conflicts with the cluster, whose nodes have addresses.',
      'Remove it and set `host`.',
    );
  }
  if (isOtherDatabase(db)) {
    throw conflictingOptions(
      '`db` conflicts with the cluster, which has database 0 only.',
      'Remove `db`; separate the data of applications with `keyPrefix`.',
    );
  }
  return merged;
}
