import { Queue, QueueEvents, Worker } from 'bullmq';
import { expect } from 'chai';
import { Cluster } from 'ioredis';
import { configureForAzure } from '../../lib/index.js';
import type { Authenticator } from '../../lib/index.js';
import {
  CLUSTER_VARIANTS,
  ClusteredCache,
  SHARDED_VARIANTS,
  type ClusterVariant,
} from '../support/clustered-cache.js';
import { slotOf } from '../support/key-slots.js';
import { tokenOptions } from '../support/token-options.js';
import { expiries, until } from '../support/waiting.js';

describe('the connections of a cluster', () => {
  const cache = ClusteredCache.forAll({ tokenLifetime: 4_000 });

  /** Whether every connection that the server knows of the identity is one of the authenticator's. */
  function allAdopted({ username, connections }: Authenticator): boolean {
    const open = cache.azure.statistics.open.filter(({ user }) => user === username);
    return open.length > 0 && open.length === connections.length;
  }

  async function throughExpiries(authenticator: Authenticator): Promise<void> {
    await expiries(2, authenticator);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  }

  async function tryAllKinds(variant: ClusterVariant): Promise<void> {
    const { cluster, options } = await cache.connect(variant, {
      cluster: { scaleReads: 'all', shardedSubscribers: true },
    });
    const { authenticator } = options.redisOptions;
    await cluster.subscribe('news');
    await cluster.ssubscribe('shard');
    // Nodes are connected to when they are first needed.
    await Promise.all(cluster.nodes().map((node) => node.ping()));
    const duplicate = cache.keep(cluster.duplicate());
    await duplicate.set('key', 'value');

    const names = new Set<string | undefined>();
    await until(() => {
      cluster.refreshSlotsCache();
      for (const { user, name } of cache.azure.statistics.open) {
        if (user === authenticator.username) names.add(name);
      }
      return ['refresher', 'subscriber', 'ssubscriber'].every((each) =>
        names.has(`ioredis-cluster(${each})`),
      );
    });
    await throughExpiries(authenticator);
    expect(await duplicate.get('key')).to.equal('value');
    await until(() => allAdopted(authenticator));
  }

  async function tryPlainOptions(): Promise<void> {
    const options = await configureForAzure({
      ...cache.azure.options,
      ...tokenOptions(cache.azure),
    });
    const { host, port, authenticator } = options;
    const cluster = cache.keep(new Cluster([{ host, port }], { redisOptions: options }));
    expect(await cluster.set('key', 'value')).to.equal('OK');
    await throughExpiries(authenticator);
    expect(await cluster.get('key')).to.equal('value');
    await until(() => allAdopted(authenticator));
  }

  // Each waits for the same expiries.
  it('are all kept logged in, for every purpose and with either form of options', async () => {
    await Promise.all([...SHARDED_VARIANTS.map(tryAllKinds), tryPlainOptions()]);
  });

  it('are managed on a node that joins later', async () => {
    const [variant] = CLUSTER_VARIANTS;
    const { cluster, options } = await cache.connect(variant);
    const node = await cache.cluster.addNode();
    const endpoint = `127.0.0.1:${node.port}`;
    await cache.cluster.moveSlots([await cache.cluster.slotOf('key')], node);
    await cluster.set('key', 'value');
    const { authenticator } = options.redisOptions;
    expect(authenticator.connections.map((connection) => connection.endpoint)).to.include(endpoint);
    await cache.cluster.removeNode(node);
    expect(await cluster.get('key')).to.equal('value');
  });

  it("include those of BullMQ's clusters, which run each job exactly once across expiries", async () => {
    const [variant] = CLUSTER_VARIANTS;
    const { cluster: connection, options } = await cache.connect(variant, {
      maxRetriesPerRequest: null,
    });
    const { authenticator } = options.redisOptions;
    const errors: unknown[] = [];
    const done: number[] = [];
    // BullMQ wants all keys of a queue in one slot.
    const settings = { connection, prefix: '{bull}' };
    const queue = new Queue('jobs', settings);
    // From the first event on: one that comes before BullMQ's first XREAD would never be seen.
    const events = new QueueEvents('jobs', { ...settings, lastEventId: '0-0' });
    const worker = new Worker<{ number: number }>(
      'jobs',
      ({ data }) => {
        done.push(data.number);
        return Promise.resolve(data.number);
      },
      settings,
    );
    queue.on('error', (error) => errors.push(error));
    events.on('error', (error) => errors.push(error));
    worker.on('error', (error) => errors.push(error));
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);

    // Who waits for events sees those only that come afterwards.
    const node = await cache.cluster.masterOf(slotOf('bull'));
    await until(async () => String(await node.server.call('INFO', 'clients')).includes('blocked_clients:2'));

    const state = { isOver: false };
    const over = expiries(2, authenticator).then(() => (state.isOver = true));
    let number = 0;
    while (!state.isOver) {
      number += 1;
      const job = await queue.add('job', { number });
      expect(await job.waitUntilFinished(events)).to.equal(number);
    }
    await Promise.all([over, worker.close(), events.close(), queue.close()]);
    expect(errors).to.deep.equal([]);
    expect(done).to.deep.equal(Array.from({ length: number }, (_, index) => index + 1));
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });
});
