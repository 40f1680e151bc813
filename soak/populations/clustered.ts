import type { Cluster } from 'ioredis';
import {
  configureClusterForAzure,
  Multiplexer,
  type Authenticator,
  type AzureClusterArguments,
} from '../../lib/index.js';
import { AzureRedisEmulator, type ClusterNode, type EmulatorCredential } from '../../emulator/index.js';
import { CLUSTER_VARIANTS, type ClusterVariant } from '../../spec/support/clustered-cache.js';
import { Ledger } from '../ledger.js';
import type { Random } from '../random.js';
import { Counting } from '../workloads/counting.js';
import { Messages, type Delivery, type Receiver } from '../workloads/messages.js';
import type { Surroundings, Workload } from '../workloads/workload.js';
import {
  droppedConnections,
  NO_FAULT,
  RECOVERY,
  roleWithoutSubscriptions,
  SILENCE,
  type Fault,
} from './fault.js';
import { SETTINGS, TOKEN_LIFETIME, type Population } from './population.js';

const CHANNEL = 'news';
const SHARD_CHANNEL = 'shard news';

/** How many slots move at a time. */
const MOVED_SLOTS = 100;

/** Clients of every kind of a clustered cache, whose nodes change. */
export async function startClustered(random: Random): Promise<Population> {
  const name = 'a cluster';
  const azure = await AzureRedisEmulator.start({ tokenLifetime: TOKEN_LIFETIME, cluster: { masters: 2 } });
  const ledger = new Ledger(name);
  const credential = azure.credential();
  const settings = {
    host: azure.host,
    port: azure.port,
    tls: { ca: azure.ca },
    credential,
    ...SETTINGS,
  };
  const configured = await configureClusterForAzure(settings);
  const { authenticator } = configured[1].redisOptions;
  ledger.observe(authenticator);
  ledger.observeRefusals(azure);
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
  const deliveries = deliveriesOf(authenticator);
  for (const variant of CLUSTER_VARIANTS) {
    const cluster = clusterOf(variant, configured);
    // It only subscribes: no command tells it of a change.
    const subscriber = clusterOf(variant, configured);
    clusters.push(cluster, subscriber);
    workloads.push(new Counting(cluster, variant.name, around));
    const received: number[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(Number(message)));
    await subscriber.subscribe(CHANNEL);
    receivers.push({ name: `a cluster of ${variant.name}`, isExact: false, received, deliveries });
  }
  const multiplexers: Multiplexer[] = [];
  for (const protocol of [2, 3] as const) {
    // An authenticator of its own tells how its messages were delivered.
    const multiplexer = await Multiplexer.connect({ ...settings, cluster: true, protocol });
    multiplexers.push(multiplexer);
    ledger.observe(multiplexer.authenticator);
    const ofMultiplexer = deliveriesOf(multiplexer.authenticator);
    const version = `a multiplexer of a cluster over RESP${protocol}`;
    const received: number[] = [];
    await multiplexer.subscribe(CHANNEL, (message) => received.push(Number(message)));
    receivers.push({ name: version, isExact: true, received, deliveries: ofMultiplexer });
    const ofShard: number[] = [];
    await multiplexer.ssubscribe(SHARD_CHANNEL, (message) => ofShard.push(Number(message)));
    shardReceivers.push({
      name: `${version}, a shard channel`,
      isExact: true,
      received: ofShard,
    });
  }
  return {
    name,
    azure,
    authenticators: [authenticator, ...multiplexers.map((each) => each.authenticator)],
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

/** How messages were delivered across the replacements that an authenticator reports. */
function deliveriesOf(authenticator: Authenticator): Delivery[] {
  const deliveries: Delivery[] = [];
  authenticator.on('recycled', ({ delivery }) => deliveries.push(delivery));
  return deliveries;
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
    NO_FAULT,
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
    droppedConnections(azure),
    roleWithoutSubscriptions(azure, identity),
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
