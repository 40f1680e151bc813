import type { Cluster } from 'ioredis';
import { configureClusterForAzure, Multiplexer, type AzureClusterArguments } from '../../lib/index.js';
import { AzureRedisEmulator, type ClusterNode, type EmulatorCredential } from '../../emulator/index.js';
import { CLUSTER_VARIANTS, type ClusterVariant } from '../../spec/support/clustered-cache.js';
import { Ledger } from '../ledger.js';
import type { Random } from '../random.js';
import { Counting } from '../workloads/counting.js';
import { Messages, type Receiver } from '../workloads/messages.js';
import type { Surroundings, Workload } from '../workloads/workload.js';
import { RECONNECTION, RECOVERY, SILENCE, type Fault } from './fault.js';
import type { Population } from './population.js';

const CHANNEL = 'news';
const SHARD_CHANNEL = 'shard news';

/** How many slots move at a time. */
const MOVED_SLOTS = 100;

/** Clients of every kind of a clustered cache, whose nodes change. */
export async function startClustered(random: Random): Promise<Population> {
  const name = 'a cluster';
  const azure = await AzureRedisEmulator.start({ tokenLifetime: 6_000, cluster: { masters: 2 } });
  const ledger = new Ledger(name);
  const credential = azure.credential();
  const configured = await configureClusterForAzure({
    host: azure.host,
    port: azure.port,
    tls: { ca: azure.ca },
    credential,
    expirationRefreshRatio: 0.35,
    connectTimeout: 2_000,
    heartbeatInterval: 1_000,
  });
  const { authenticator } = configured[1].redisOptions;
  ledger.observe(authenticator, azure);
  const around: Surroundings = {
    async call(command, key, ...args) {
      const { server } = await azure.cluster.masterOf(await azure.cluster.slotOf(key));
      return server.call(command, key, ...args);
    },
    ledger,
    random,
  };
  const clusters: Cluster[] = [];
  const receivers: Receiver[] = [];
  const shardReceivers: Receiver[] = [];
  const workloads: Workload[] = [];
  for (const variant of CLUSTER_VARIANTS) {
    const cluster = clusterOf(variant, configured);
    // It only subscribes: no command tells it of a change.
    const subscriber = clusterOf(variant, configured);
    clusters.push(cluster, subscriber);
    workloads.push(new Counting(cluster, variant.name, around));
    const received: number[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(Number(message)));
    await subscriber.subscribe(CHANNEL);
    receivers.push({ name: `a cluster of ${variant.name}`, isExact: false, isOrdered: false, received });
  }
  const multiplexers: Multiplexer[] = [];
  for (const protocol of [2, 3] as const) {
    const multiplexer = await Multiplexer.connect({
      host: azure.host,
      port: azure.port,
      tls: { ca: azure.ca },
      authenticator,
      cluster: true,
      protocol,
    });
    multiplexers.push(multiplexer);
    const version = `a multiplexer of a cluster over RESP${protocol}`;
    const received: number[] = [];
    await multiplexer.subscribe(CHANNEL, (message) => received.push(Number(message)));
    // Over RESP2 it may be handed over to another node, which `recycled` reports as `best-effort`.
    const isExact = protocol === 3;
    receivers.push({ name: version, isExact, isOrdered: isExact, received });
    const ofShard: number[] = [];
    await multiplexer.ssubscribe(SHARD_CHANNEL, (message) => ofShard.push(Number(message)));
    shardReceivers.push({
      name: `${version}, a shard channel`,
      isExact: true,
      isOrdered: true,
      received: ofShard,
    });
  }
  return {
    name,
    azure,
    authenticator,
    ledger,
    workloads: [
      ...workloads,
      new Messages('PUBLISH', CHANNEL, receivers, around),
      new Messages('SPUBLISH', SHARD_CHANNEL, shardReceivers, around),
    ],
    faults: () => clusterFaults(azure, credential, random),
    async end() {
      for (const cluster of clusters) cluster.disconnect();
      await Promise.all(multiplexers.map((multiplexer) => multiplexer.close()));
    },
    stop: () => azure.stop(),
  };
}

function clusterOf({ Cluster, protocol }: ClusterVariant, [nodes, options]: AzureClusterArguments): Cluster {
  const cluster = new Cluster(nodes, {
    ...options,
    redisOptions: { ...options.redisOptions, protocol },
  });
  cluster.on('error', () => undefined);
  return cluster;
}

function clusterFaults(
  azure: AzureRedisEmulator,
  identity: EmulatorCredential,
  random: Random,
): readonly Fault[] {
  const { cluster } = azure;
  const none = (): void => undefined;
  return [
    { name: 'none', breaks: false, recovery: RECOVERY, duration: [4_000, 8_000], begin: none, end: none },
    {
      name: 'slots moved',
      breaks: false,
      recovery: RECOVERY,
      duration: [0, 0],
      async begin() {
        const shardSlot = await cluster.slotOf(SHARD_CHANNEL);
        const first = Math.floor(random.between(0, 16_384 - 2 * MOVED_SLOTS));
        const slots = Array.from({ length: MOVED_SLOTS }, (_, index) => first + index);
        const [target] = random.shuffled(await cluster.masters());
        // A server ends the shard subscriptions of a slot that moves.
        if (target)
          await cluster.moveSlots(
            slots.filter((slot) => slot !== shardSlot),
            target,
          );
      },
      end: none,
    },
    {
      name: 'nodes replaced one by one',
      breaks: true,
      recovery: SILENCE,
      duration: [0, 0],
      begin: () => replaceNodes(azure),
      end: none,
    },
    {
      name: 'connections dropped',
      breaks: true,
      recovery: RECONNECTION,
      duration: [0, 0],
      begin() {
        azure.dropConnections();
      },
      end: none,
    },
    {
      name: 'role without subscriptions',
      breaks: true,
      recovery: SILENCE,
      duration: [1_000, 3_000],
      async begin() {
        await azure.assignRole(identity.oid, '+@all -@pubsub ~* &*');
        azure.dropConnections();
      },
      end: () => azure.assignRole(identity.oid, 'Data Owner'),
    },
  ];
}

/** Puts a new node in the place of each one, one after the other. */
async function replaceNodes({ cluster }: AzureRedisEmulator): Promise<void> {
  const old: readonly ClusterNode[] = await cluster.masters();
  for (const node of old) {
    await cluster.addNode({ replicaOf: node });
    await cluster.failover(node);
    await cluster.removeNode(node);
  }
}
