import type { ClusterOptions } from 'ioredis';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { AzureRedisError } from '../errors.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from './options.js';

/** Options of a single client that mean nothing to the nodes of a cluster, or that the cluster decides itself. */
type NotOfNodes = 'path' | 'sentinels' | 'db' | 'retryStrategy' | 'enableOfflineQueue' | 'readOnly';

/** What `configureClusterForAzure()` takes: what `configureForAzure()` takes, and the options of the cluster. */
export type ConfigureClusterForAzureOptions = Omit<ConfigureForAzureOptions, NotOfNodes> & {
  /**
   * ioredis' options of the cluster. What they set wins, also over the options beside it: `redisOptions` is merged into
   * these, and `redisOptions.tls` into `tls`.
   */
  cluster?: ClusterOptions | undefined;
};

/** ioredis' options of a cluster; `redisOptions.authenticator` keeps the connections to its nodes logged in. */
export type AzureClusterOptions = Omit<ClusterOptions, 'redisOptions'> & {
  readonly redisOptions: ConfiguredRedisOptions;
};

/** What ioredis' `Cluster` is made with, in order. */
export type AzureClusterArguments = [
  startupNodes: { host: string; port: number }[],
  options: AzureClusterOptions,
];

/** The waits before a cluster of which no node is left connects again, in ms. */
const RECONNECT: Backoff = { minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true };

/** What Azure's clusters need otherwise than ioredis' defaults, each for its reason. */
const FOR_AZURE = {
  // ioredis would connect to the address that the cache's name has at first, for as long as the client lives, and to one
  // only. Left as it is, the name is looked up for each connection.
  dnsLookup: (hostname, callback) => {
    callback(null, hostname);
  },
  // The map of the slots is asked for on a connection of its own. 1 s, the default, is short for TLS and a login from
  // another region, or by a busy process: the cluster would fail as "Failed to refresh slots cache".
  slotsRefreshTimeout: 5_000,
  // The default comes back ten times a second: every client of a fleet, each with a TLS handshake and a login.
  clusterRetryStrategy: (times) => backoffDelay(times, RECONNECT),
  // A failover on Azure takes seconds. With the defaults a command is given up after one: each attempt on a node that is
  // gone counts as two redirections. These make it 16 s.
  maxRedirections: 64,
  retryDelayOnFailover: 500,
  retryDelayOnClusterDown: 500,
  // A MOVED for one slot makes ioredis take its whole range for moved, until it has asked for the slots again. Without a
  // wait, commands for the others are sent to and fro meanwhile, until they have been redirected too often.
  retryDelayOnMoved: 100,
} as const satisfies ClusterOptions;

/** The options of a cluster on Azure; what is given wins. */
export function clusterOptionsForAzure(given: ClusterOptions): ClusterOptions {
  return {
    ...FOR_AZURE,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** The options of a cluster's nodes, all in one; what the cluster's own options set wins. */
export function nodeOptionsOf({
  cluster,
  ...options
}: ConfigureClusterForAzureOptions): ConfigureForAzureOptions {
  const { tls, replyMapping, ...redisOptions } = cluster?.redisOptions ?? {};
  const merged = {
    ...options,
    ...redisOptions,
    ...(replyMapping && { replyMapping }),
    ...(tls && { tls: { ...options.tls, ...tls } }),
  };
  checkNodeOptions(merged);
  return merged;
}

function checkNodeOptions({ path, sentinels, db = 0 }: ConfigureForAzureOptions): void {
  if (path || sentinels) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      'A cluster was given a `path`, or `sentinels`.',
      "Leave them out: a cluster is reached by the cache's host name.",
    );
  }
  if (db !== 0) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      'A cluster was given a `db`.',
      'Leave it out: a clustered cache has one database only. Tell uses apart by `keyPrefix`.',
    );
  }
}
