import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { AzureClusterArguments } from '../configure/cluster.js';
import { internals } from '../ioredis/client.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import { SUBSCRIPTION_KINDS, type SubscriptionKind } from './channels.js';
import type { MaintenanceType } from './maintenance-events.js';

/** The server side of a multiplexer: how its clients are made, and what can be known of it by them. */
export interface Topology<Interactive extends Redis | Cluster> {
  /** The client for commands. It is not connected yet. */
  readonly interactive: Interactive;
  /** In which ways one connection can subscribe to whatever channel. */
  readonly kinds: readonly SubscriptionKind[];
  /** The version of RESP that the interactive connection, when ready, has negotiated. */
  protocol(): 2 | 3;
  /** The interactive connection, if with RESP3 it can carry the subscriptions too. */
  readonly shared: Redis | undefined;
  /** Makes a client for a subscriber connection. It is not connected yet. */
  createSubscriber(): Redis;
  /** Publishes a message that is part of no transaction. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Acts on what a node has gone through before the first command fails for it. */
  recoverFrom(maintenance: MaintenanceType, subscriber: Redis): void;
}

/** Both connections to one server, or to a proxy before it. */
export function standalone(options: ConfiguredRedisOptions): Topology<Redis> {
  const { authenticator } = options;
  const interactive = createRedis({ ...options, lazyConnect: true });
  leaveSubscribing(interactive);
  return {
    interactive,
    kinds: SUBSCRIPTION_KINDS,
    protocol: () => protocolOf(interactive),
    shared: interactive,
    createSubscriber: () => createSubscriber(options),
    publish: (channel, message) =>
      authenticator.connectionOf(interactive).outsideTransaction(() => interactive.publish(channel, message)),
    recoverFrom: (maintenance, subscriber) => {
      if (!MOVED.has(maintenance)) return;
      for (const client of new Set([interactive, subscriber])) {
        void authenticator.connectionOf(client).replaceConnection('maintenance');
      }
    },
  };
}

/**
 * Commands go to the node that has the key, subscriptions to one node: a cluster publishes to all of them.
 *
 * A subscriber's successor connects to the same node, as long as that takes connections: nodes do not receive messages in
 * the same order.
 */
export function cluster(
  nodes: AzureClusterArguments[0],
  options: AzureClusterArguments[1],
): Topology<Cluster> {
  const interactive = createCluster(nodes, options);
  /** Where the last subscriber is connected, or was. */
  let address: string | undefined;
  return {
    interactive,
    // Which node has a shard channel depends on its name.
    kinds: ['subscribe', 'psubscribe'],
    protocol: () => {
      const [node] = interactive.nodes('master').filter(({ status }) => status === 'ready');
      return node ? protocolOf(node) : 2;
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
    recoverFrom: (maintenance) => {
      if (RESHARDED.has(maintenance)) interactive.refreshSlotsCache();
    },
  };
}

/** What leaves a connection at a node that is not, or will not be, what it was. */
const MOVED: ReadonlySet<MaintenanceType> = new Set([
  'NodeMaintenanceFailoverComplete',
  'NodeMaintenanceScaleComplete',
]);

/** What changes which node has which slots. */
const RESHARDED: ReadonlySet<MaintenanceType> = new Set([...MOVED, 'NodeMaintenanceEnded']);

const SUBSCRIBER = {
  lazyConnect: true,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  // A connection that is lost is followed by another client, not by another connection of the same one.
  retryStrategy: null,
  reconnectOnError: null,
  commandTimeout: undefined,
} as const satisfies RedisOptions;

/**
 * Keeps a client from subscribing again by itself: on a connection that has come back with RESP2, it must not be done.
 * That is for this client only: `duplicate()` takes over what is enumerable.
 */
function leaveSubscribing(client: Redis): void {
  Object.defineProperty(client.options, 'autoResubscribe', { value: false, enumerable: false });
}

function createSubscriber(options: RedisOptions): Redis {
  return createRedis({ ...options, ...SUBSCRIBER });
}

function createRedis(options: RedisOptions): Redis {
  // ioredis tells the types of replies by `replyMapping`, which options that come at run time cannot.
  return new Redis(options as RedisOptions & { replyMapping?: 'legacy' });
}

type NodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping?: 'legacy' };

function createCluster(nodes: AzureClusterArguments[0], options: ClusterOptions): Cluster {
  // As above. Where its nodes are, and when to connect to them again, a cluster decides itself.
  return new Cluster(nodes, {
    ...options,
    lazyConnect: true,
    redisOptions: options.redisOptions as NodeOptions,
  });
}

function sample<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

function protocolOf(client: Redis): 2 | 3 {
  // ioredis 5 knows no protocol but RESP2, and says nothing of it.
  return internals(client).condition?.protocol ?? 2;
}

/** The address without what it does not have. */
function defined({ host, port }: { host: string | undefined; port: number | undefined }): RedisOptions {
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

function addressOf({ options: { host = '', port = 0 } }: Redis): string {
  return `${host}:${port}`;
}
