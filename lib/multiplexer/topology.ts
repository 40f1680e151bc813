import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import type { AzureClusterArguments } from '../configure/cluster.js';
import { disableAutoResubscribe, negotiatedProtocol } from '../ioredis/client-control.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import { SUBSCRIPTION_KINDS, type SubscriptionKind } from './channels.js';
import { ready } from './lifecycle.js';
import type { MaintenanceType } from './maintenance-events.js';

/** The server side of a multiplexer: creates its clients, and hides the differences between one server and a cluster. */
export interface Topology<Interactive extends Redis | Cluster> {
  /** The client for commands. It is not connected yet. */
  readonly interactive: Interactive;
  /** The kinds of subscriptions that one connection supports for all channels. */
  readonly kinds: readonly SubscriptionKind[];
  /** The version of RESP that the interactive connection has negotiated. */
  protocol(): 2 | 3;
  /** The interactive connection, if with RESP3 it can carry the subscriptions too. */
  readonly shared: Redis | undefined;
  /** Creates a client for a subscriber connection. It is not connected yet. */
  createSubscriber(): Redis;
  /** Sends PING to the server, or to each primary node, outside any transaction. Resolves to the longest latency, in ms. */
  ping(): Promise<number>;
  /** Replaces the connections for commands at once. Resolves when they are ready again. */
  reconnect(): Promise<void>;
  /** Publishes a message outside any transaction. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Replaces connections, or refreshes slots, after maintenance, before a command fails. */
  recoverFrom(maintenance: MaintenanceType, subscriber: Redis): void;
}

/** Both connections to one server, or to a proxy in front of it. */
export function standaloneTopology(options: ConfiguredRedisOptions): Topology<Redis> {
  const { authenticator } = options;
  const interactive = createRedis({ ...options, lazyConnect: true });
  disableAutoResubscribe(interactive);
  return {
    interactive,
    kinds: SUBSCRIPTION_KINDS,
    protocol: () => negotiatedProtocol(interactive),
    shared: interactive,
    createSubscriber: () => createSubscriber(options),
    ping: () => authenticator.managedClientOf(interactive).outsideTransaction(() => latencyOf(interactive)),
    reconnect: async () => {
      await forceReconnect(interactive, authenticator);
      await ready(interactive);
    },
    publish: (channel, message) =>
      authenticator
        .managedClientOf(interactive)
        .outsideTransaction(() => interactive.publish(channel, message)),
    recoverFrom: (maintenance, subscriber) => {
      if (!MOVED.has(maintenance)) return;
      for (const client of new Set([interactive, subscriber])) {
        void authenticator.managedClientOf(client).replaceConnection('maintenance');
      }
    },
  };
}

/**
 * Commands go to the node that has the key, subscriptions to one node: a cluster publishes to all of them.
 *
 * A subscriber's successor connects to the same node, as long as the node accepts connections: messages do not reach all
 * nodes in the same order.
 */
export function clusterTopology(
  nodes: AzureClusterArguments[0],
  options: AzureClusterArguments[1],
): Topology<Cluster> {
  const interactive = createCluster(nodes, options);
  /** The address of the last subscriber. */
  let address: string | undefined;
  return {
    interactive,
    // The node of a shard channel depends on its name.
    kinds: ['subscribe', 'psubscribe'],
    protocol: () => {
      const [node] = interactive.nodes('master').filter(({ status }) => status === 'ready');
      return node ? negotiatedProtocol(node) : 2;
    },
    shared: undefined,
    createSubscriber: () => {
      const node =
        interactive.nodes().find((each) => addressOf(each) === address) ??
        sample(interactive.nodes('master'));
      address = undefined;
      const { host, port } = node?.options ?? {};
      const client = createSubscriber({ ...options.redisOptions, ...defined({ host, port }) });
      client.once('ready', () => {
        address = addressOf(client);
      });
      return client;
    },
    // A transaction of a cluster is always written in one go.
    publish: (channel, message) => interactive.publish(channel, message),
    ping: async () => Math.max(...(await Promise.all(interactive.nodes('master').map(latencyOf)))),
    reconnect: async () => {
      const { authenticator } = options.redisOptions;
      // ioredis connects to a node when it first sends a command there: most replicas never become ready.
      const nodes = interactive.nodes().filter(({ status }) => status !== 'wait');
      await Promise.all(nodes.map((node) => forceReconnect(node, authenticator)));
      // The cluster itself replaces a node that does not become ready.
      await Promise.allSettled(nodes.map(ready));
      await ready(interactive);
    },
    recoverFrom: (maintenance) => {
      if (RESHARDED.has(maintenance)) interactive.refreshSlotsCache();
    },
  };
}

/** After these events, connections may lead to a node that has lost, or will lose, its role. */
const MOVED: ReadonlySet<MaintenanceType> = new Set([
  'NodeMaintenanceFailoverComplete',
  'NodeMaintenanceScaleComplete',
]);

/** After these events, slots may be on other nodes. */
const RESHARDED: ReadonlySet<MaintenanceType> = new Set([...MOVED, 'NodeMaintenanceEnded']);

const SUBSCRIBER = {
  lazyConnect: true,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  // A lost connection is replaced by another client, not by another connection of the same one.
  retryStrategy: null,
  reconnectOnError: null,
  commandTimeout: undefined,
} as const satisfies RedisOptions;

function createSubscriber(options: RedisOptions): Redis {
  return createRedis({ ...options, ...SUBSCRIBER });
}

function createRedis(options: RedisOptions): Redis {
  // ioredis derives the types of replies from `replyMapping`, whose value is not known at compile time.
  return new Redis(options as RedisOptions & { replyMapping?: 'legacy' });
}

type NodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping?: 'legacy' };

function createCluster(nodes: AzureClusterArguments[0], options: ClusterOptions): Cluster {
  // As above.
  return new Cluster(nodes, {
    ...options,
    lazyConnect: true,
    redisOptions: options.redisOptions as NodeOptions,
  });
}

async function latencyOf(client: Redis): Promise<number> {
  const sentAt = performance.now();
  await client.ping();
  return performance.now() - sentAt;
}

/** Replaces the connection of a client that is ready. Resolves when the old one is closed. */
async function forceReconnect(client: Redis, authenticator: Authenticator): Promise<void> {
  if (client.status !== 'ready') return;
  const closed = new Promise<void>((resolve) => {
    client.once('close', resolve);
  });
  await authenticator.managedClientOf(client).forceReconnect();
  await closed;
}

function sample<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

/** The address without its undefined parts, which would override the defaults. */
function defined({ host, port }: { host: string | undefined; port: number | undefined }): RedisOptions {
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

function addressOf({ options: { host = '', port = 0 } }: Redis): string {
  return `${host}:${port}`;
}
