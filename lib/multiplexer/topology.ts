import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import { cacheKindOf, KIND_COMMANDS, type Answer, type CacheKind } from '../configure/azure-caches.js';
import type { AzureClusterArguments } from '../configure/cluster.js';
import { configureClusterForAzure, configureForAzure } from '../configure/configure.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from '../configure/options.js';
import { endpointOf, negotiatedProtocol } from '../ioredis/client.js';
import { connect, connectionFailed, end, otherKind, ready } from './client-lifecycle.js';
import type { MaintenanceType } from './maintenance-events.js';
import type { Subscriber } from './subscriber.js';

/** The server side of a multiplexer: what differs between one server and a cluster. */
export interface Topology<Interactive extends Redis | Cluster = Redis | Cluster> {
  /** The client for commands, connected. */
  readonly interactive: Interactive;
  /** The options of all clients. */
  readonly options: ConfiguredRedisOptions;
  /**
   * Creates a client for a subscriber connection. It is not connected yet.
   *
   * @param failures How many attempts in a row have failed.
   */
  createSubscriber(failures: number): Redis;
  /** Replaces connections, or refreshes slots, after maintenance, before a command fails. */
  recoverFrom(maintenance: MaintenanceType, subscriber: Subscriber): void;
  /** @throws AzureRedisError if the cache is of another kind by now. */
  checkKind(): Promise<void>;
}

/**
 * Connects to the cache.
 *
 * @param cluster Whether it is a cluster; `undefined`: the first connection finds out.
 * @throws AzureRedisError; nothing is left open.
 */
export async function connectTopology(
  options: ConfigureForAzureOptions,
  cluster: boolean | ClusterOptions | undefined,
): Promise<Topology<Redis> | Topology<Cluster>> {
  let clusterOptions: ConfigureForAzureOptions = options;
  if (!cluster) {
    const configured = await configureForAzure(options);
    const single = singleTopology(configured, cluster === undefined);
    await connect(single.interactive);
    if (cluster === false) return single;
    try {
      if ((await askForKind(single.interactive)) !== 'cluster') return single;
    } catch (error) {
      await end(single.interactive);
      throw connectionFailed(error);
    }
    await end(single.interactive);
    clusterOptions = { ...configured, tls: options.tls };
  }
  const [nodes, configured] = await configureClusterForAzure({
    ...clusterOptions,
    cluster: typeof cluster === 'object' ? cluster : {},
  });
  const topology = clusterTopology(nodes, configured);
  await connect(topology.interactive);
  return topology;
}

/** Asks what answers a client, in one round trip. @throws the client's error, if there is no answer. */
async function askForKind(client: Redis): Promise<CacheKind> {
  const answers = KIND_COMMANDS.map(async ([command, ...args]): Promise<Answer> => {
    try {
      return { reply: await client.call(command, ...args) };
    } catch (error) {
      // An error reply begins with a code, other errors are sentences.
      if (error instanceof Error && /^[A-Z]{3,} /.test(error.message)) return { error: error.message };
      throw error;
    }
  });
  return cacheKindOf(await Promise.all(answers));
}

/** Both connections to one server, or to a proxy in front of it. */
function singleTopology(options: ConfiguredRedisOptions, isDetected: boolean): Topology<Redis> {
  const interactive = createRedis({ ...options, lazyConnect: true });
  const managed = options.authenticator.managedClientOf(interactive);
  return {
    interactive,
    options,
    createSubscriber: () => createRedis({ ...options, ...SUBSCRIBER }),
    recoverFrom: (maintenance, subscriber) => {
      if (!MOVED.has(maintenance)) return;
      void managed.replaceConnection('maintenance');
      subscriber.replaceConnection('maintenance');
    },
    checkKind: async () => {
      if (!isDetected) return;
      // If the connection is lost again, the next one is asked.
      const kind = await managed.outsideTransaction(() => askForKind(interactive)).catch(() => 'unknown');
      if (kind === 'cluster') throw otherKind('CLUSTER_CLIENT_REQUIRED');
    },
  };
}

/**
 * Commands go to the node that has the key, subscriptions to one node: a cluster publishes to all of them.
 *
 * A subscriber's successor connects to the same node, as long as the node accepts connections: messages do not reach all
 * nodes in the same order.
 */
function clusterTopology(
  nodes: AzureClusterArguments[0],
  options: AzureClusterArguments[1],
): Topology<Cluster> {
  const { redisOptions } = options;
  const interactive = createCluster(nodes, options);
  /** The address of the last subscriber. */
  let address: string | undefined;
  return {
    interactive,
    // That of the cluster applies, by default the one of its nodes.
    options: { ...redisOptions, keyPrefix: interactive.options.keyPrefix },
    createSubscriber: (failures) => {
      // No command may have told of new nodes. If none that is known answers, the name of the cache leads to one.
      if (failures > 0) interactive.refreshSlotsCache();
      const node =
        interactive.nodes().find((each) => endpointOf(each) === address) ??
        sample(interactive.nodes('master'));
      address = undefined;
      const client = createClusterSubscriber(redisOptions, failures % 2 === 0 ? node?.options : undefined);
      client.once('ready', () => {
        address = endpointOf(client);
      });
      return client;
    },
    recoverFrom: (maintenance) => {
      if (MOVED.has(maintenance) || maintenance === 'NodeMaintenanceEnded') interactive.refreshSlotsCache();
    },
    // Its errors say so.
    checkKind: () => Promise.resolve(),
  };
}

/** After these events, connections may lead to a node that has lost, or will lose, its role. */
const MOVED: ReadonlySet<MaintenanceType> = new Set([
  'NodeMaintenanceFailoverComplete',
  'NodeMaintenanceScaleComplete',
]);

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

/** Creates a client for subscriptions at this node of a cluster; by default, at one that the name of the cache leads to. */
export function createClusterSubscriber(
  options: ConfiguredRedisOptions,
  { host = options.host, port = options.port }: Pick<RedisOptions, 'host' | 'port'> = {},
): Redis {
  return createRedis({ ...options, ...(host && { host }), ...(port && { port }), ...SUBSCRIBER });
}

function createRedis(options: RedisOptions): Redis {
  // ioredis derives the types of replies from `replyMapping`, whose value is not known at compile time.
  return new Redis(options as RedisOptions & { replyMapping?: 'legacy' });
}

type NodeOptions = NonNullable<ClusterOptions['redisOptions']> & { replyMapping?: 'legacy' };

function createCluster(nodes: AzureClusterArguments[0], options: ClusterOptions): Cluster {
  // As for `createRedis()`.
  const redisOptions = options.redisOptions as NodeOptions;
  return new Cluster(nodes, { ...options, lazyConnect: true, redisOptions });
}

/** The version of RESP that the interactive connection has negotiated. */
export function protocolOf(interactive: Redis | Cluster): 2 | 3 {
  const node = mastersOf(interactive).find(({ status }) => status === 'ready');
  return node ? negotiatedProtocol(node) : 2;
}

/** Calls `send` outside any transaction. Those of a cluster are always written in one go. */
export function outsideTransaction<Result>(
  { interactive, options }: Topology,
  send: () => Promise<Result>,
): Promise<Result> {
  if (interactive instanceof Cluster) return send();
  return options.authenticator.managedClientOf(interactive).outsideTransaction(send);
}

/** Sends PING to the server, or to each primary node, outside any transaction. Resolves to the longest latency, in ms. */
export async function ping(topology: Topology): Promise<number> {
  const masters = mastersOf(topology.interactive);
  if (masters.length === 0) throw connectionFailed(new Error('the cluster has no node'));
  return Math.max(...(await outsideTransaction(topology, () => Promise.all(masters.map(latencyOf)))));
}

/** Replaces the connections for commands at once. Resolves when they are ready again. @throws AzureRedisError */
export async function reconnect({ interactive, options }: Topology): Promise<void> {
  const nodes = interactive instanceof Cluster ? interactive.nodes() : [interactive];
  // ioredis connects to a node when it first sends a command there: most replicas never become ready.
  const inUse = nodes.filter(({ status }) => status !== 'wait');
  await Promise.all(inUse.map((node) => forceReconnect(options, node)));
  // The cluster itself replaces a node that does not become ready.
  await Promise.allSettled(inUse.map(ready));
  await ready(interactive);
}

function mastersOf(interactive: Redis | Cluster): Redis[] {
  return interactive instanceof Cluster ? interactive.nodes('master') : [interactive];
}

async function latencyOf(client: Redis): Promise<number> {
  const sentAt = performance.now();
  await client.ping();
  return performance.now() - sentAt;
}

/** Replaces the connection of a client that is ready. Resolves when the old one is closed. @throws AzureRedisError */
async function forceReconnect({ authenticator }: ConfiguredRedisOptions, client: Redis): Promise<void> {
  const managed = authenticator.managedClientOf(client);
  if (client.status !== 'ready') return;
  const closed = new Promise<void>((resolve) => {
    client.once('close', resolve);
  });
  await managed.replaceConnection('requested');
  await closed;
}

function sample<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(Math.random() * items.length)];
}
