import { Socket } from 'node:net';
import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import { restore, spy, stub, useFakeTimers } from 'sinon';
import type { ClusterInternals } from '../../lib/ioredis/cluster.js';
import { CLUSTER_VARIANTS, ClusteredCache, SHARDED_VARIANTS } from '../support/clustered-cache.js';
import { until } from '../support/waiting.js';

const CHANNELS = ['news', 'weather', 'shard'];

describe('a cluster client that only subscribes', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 2 } });
  afterEach(restore);

  /** Publishes to each channel until a message from each has arrived at this client. */
  async function publishUntilReceived(cluster: Cluster, channels: readonly string[]): Promise<void> {
    const received = new Set<string>();
    for (const event of ['message', 'smessage']) {
      cluster.on(event, (channel: string) => received.add(channel));
    }
    cluster.on('pmessage', (_pattern: string, channel: string) => received.add(channel));
    const node = await cache.cluster.masterOf(await cache.cluster.slotOf('shard'));
    await until(async () => {
      for (const channel of channels) {
        await node.server.call(channel === 'shard' ? 'SPUBLISH' : 'PUBLISH', channel, '');
      }
      return channels.every((channel) => received.has(channel));
    });
  }

  /** Puts a new node in the place of each one, and shuts the old ones down one by one. */
  async function replaceNodes(): Promise<void> {
    const old = [...cache.cluster.nodes];
    await Promise.all(old.map((node) => cache.cluster.addNode({ replicaOf: node })));
    for (const node of old) await cache.cluster.failover(node);
    for (const node of old) await cache.cluster.removeNode(node);
  }

  it('receives messages after all nodes were replaced, and does not connect in a loop', async () => {
    const subscribed = [];
    for (const variant of CLUSTER_VARIANTS) {
      const { cluster } = await cache.connect(variant);
      await cluster.subscribe('news');
      await cluster.psubscribe('weathe?');
      subscribed.push({ cluster, channels: CHANNELS.slice(0, 2) });
      if (!SHARDED_VARIANTS.includes(variant)) continue;
      // Its sharded subscribers refresh the slots.
      const { cluster: sharded } = await cache.connect(variant, { cluster: { shardedSubscribers: true } });
      await sharded.ssubscribe('shard');
      await sharded.subscribe('news');
      subscribed.push({ cluster: sharded, channels: ['shard', 'news'] });
    }
    const connects = spy(Socket.prototype, 'connect');
    await replaceNodes();
    for (const { cluster, channels } of subscribed) {
      await publishUntilReceived(cluster, channels);
    }
    expect(connects.callCount).to.be.below(300);
  });
});

describe('a cluster client whose sharded subscriber cannot connect', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 1 } });
  afterEach(restore);

  for (const variant of SHARDED_VARIANTS) {
    it(`refreshes its slots, also if nobody listens for errors, with ${variant.name}`, async () => {
      const printed = stub(console, 'error');
      const { cluster } = await cache.connect(variant, { cluster: { shardedSubscribers: true } });
      cluster.removeAllListeners('error');
      const refreshed = new Promise((resolve) => cluster.once('refresh', resolve));
      const { subscriberGroupEmitter } = cluster as unknown as ClusterInternals;
      subscriberGroupEmitter?.emit('subscriberConnectFailed', { error: new Error('refused'), delay: 0 });
      await refreshed;
      expect(printed.firstCall.args.join(' ')).to.match(/Unhandled error event: Error: refused/);
    });
  }
});

describe('a cluster client whose node leaves the cluster and stays up', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 1, replicas: 1 } });
  afterEach(restore);

  /** A client that is subscribed at this node, chosen at random by ioredis. */
  async function subscribedAt(port: number): Promise<Cluster> {
    for (;;) {
      const { cluster } = await cache.connect(CLUSTER_VARIANTS[0]);
      await cluster.subscribe('news');
      const { subscriber } = cluster as unknown as ClusterInternals;
      if (subscriber.getInstance()?.options.port === port) return cluster;
      cluster.disconnect();
    }
  }

  it('subscribes at another one within a minute, although it sends no command', async () => {
    const clock = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const [master] = await cache.cluster.masters();
    if (!master) throw new Error('there is no master');
    const [replica] = await cache.cluster.replicasOf(master);
    const cluster = await subscribedAt(replica?.port ?? 0);
    await master.server.call('CLUSTER', 'FORGET', replica?.id ?? '');
    await replica?.server.call('CLUSTER', 'RESET');
    let isReceived = false;
    cluster.on('message', () => (isReceived = true));
    await until(async () => {
      clock.tick(60_000);
      await master.server.call('PUBLISH', 'news', '');
      return isReceived;
    });
  });
});
