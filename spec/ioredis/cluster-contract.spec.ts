import { expect } from 'chai';
import type { Cluster as AnyCluster, ClusterOptions } from 'ioredis';
import { internals, type Client, type ClientInternals } from '../../lib/ioredis/client.js';
import { isClusterSubscriber, type ClusterInternals } from '../../lib/ioredis/cluster.js';
import { Cache } from '../support/cache.js';
import { ClusteredCache } from '../support/clustered-cache.js';
import { hasShardedSubscribers, VERSIONS } from '../support/ioredis-versions.js';
import { happens, until } from '../support/waiting.js';

/** What `lib/ioredis/` relies on for subscriptions and clusters, though ioredis does not document it. */
describe('the internals of ioredis for subscriptions', () => {
  const cache = Cache.forAll();
  const clustered = ClusteredCache.forAll({ cluster: { masters: 2 } });
  afterEach(() => {
    cache.endClients();
  });

  for (const { name, Redis, Cluster } of VERSIONS) {
    describe(`in ${name}`, () => {
      /** A cluster without our hooks, which a password of ours would bring. */
      async function start(options: ClusterOptions = {}): Promise<[AnyCluster, ClusterInternals]> {
        const [nodes, { redisOptions }] = await clustered.configure();
        const password = String(redisOptions.password);
        const cluster = clustered.keep(
          new Cluster(nodes, { ...options, redisOptions: { ...redisOptions, password } }),
        );
        await until(() => cluster.status === 'ready');
        return [cluster, cluster as unknown as ClusterInternals];
      }

      async function subscriberOf({ subscriber }: ClusterInternals): Promise<Client> {
        await until(() => subscriber.getInstance() !== null);
        const client = subscriber.getInstance();
        if (!client) throw new Error('there is no subscriber');
        return client;
      }

      it('names the class of clusters on that of clients, and defines the patched methods on its prototype', () => {
        expect(Redis.Cluster).to.equal(Cluster);
        for (const method of ['setStatus', 'handleError', 'refreshSlotsCache', 'disconnect']) {
          expect(Object.hasOwn(Cluster.prototype, method), method).to.equal(true);
        }
        for (const method of ['silentEmit', 'asking']) {
          expect(Redis.prototype, method).to.have.property(method).that.is.a('function');
        }
      });

      it('reads the channels of the last connection from `prevCondition` once the status is `ready`', async () => {
        const { password, ...options } = await cache.configure({ retryStrategy: () => 0 });
        Reflect.deleteProperty(options, 'Connector');
        // Without our hooks, which a password of ours would bring.
        const client = cache.client({ Redis }, { ...options, password: String(password) });
        await client.subscribe('news');
        const inner = internals(client);
        const { setStatus } = inner;
        inner.setStatus = (status, argument) => {
          setStatus.call(client, status, argument);
          if (status !== 'ready' || !inner.prevCondition) return;
          const { subscriber, select } = inner.prevCondition;
          expect(select).to.equal(0);
          expect(subscriber && subscriber.channels('subscribe')).to.deep.equal(['news']);
          expect(inner.condition).to.include({ select: 0, subscriber: false });
          inner.prevCondition.subscriber = false;
        };
        const reconnecting = happens(client, 'reconnecting');
        cache.azure.dropConnections();
        await reconnecting;
        await happens(client, 'ready');
        await client.ping();
        expect(await cache.azure.server.call('PUBSUB', 'NUMSUB', 'news')).to.deep.equal(['news', 0]);
      });

      it('names the subscriber of a cluster, and selects another one, by this method, when it has ended', async () => {
        const [, inner] = await start();
        const client = await subscriberOf(inner);
        expect(isClusterSubscriber(client)).to.equal(true);
        expect(inner.subscriber.lastActiveSubscriber).to.equal(client);
        const { selectSubscriber } = inner.subscriber;
        const selected = new Promise<void>((resolve) => {
          inner.subscriber.selectSubscriber = () => {
            selectSubscriber.call(inner.subscriber);
            resolve();
          };
        });
        await client.connect();
        client.disconnect();
        await selected;
        expect(inner.subscriber.getInstance()).not.to.equal(client);
      });

      it('stops the subscriber of a cluster that is disconnected', async () => {
        const [cluster, inner] = await start();
        let isStopped = false;
        const { stop } = inner.subscriber;
        inner.subscriber.stop = () => {
          isStopped = true;
          stop.call(inner.subscriber);
        };
        cluster.disconnect();
        expect(isStopped).to.equal(true);
        expect(inner.subscriber.getInstance()).to.equal(null);
      });

      it('passes each error of a command to `handleError`, with a handler that rejects it', async () => {
        const [cluster, inner] = await start();
        const handleError = inner.handleError.bind(inner);
        const messages: string[] = [];
        inner.handleError = (error, ttl, handlers) => {
          messages.push(error.message);
          if (error.message.startsWith('MOVED ')) handlers.defaults();
          else handleError(error, ttl, handlers);
        };
        const moved = cluster.eval("return redis.error_reply('MOVED 1')", 1, 'key');
        expect(await moved.catch(String)).to.match(/: MOVED 1/);
        expect(messages).to.have.lengthOf(1);
      });

      if (hasShardedSubscribers({ Cluster })) {
        it('subscribes the sharded subscribers by `_resubscribe` to `channels`, by `clusterSlots`', async () => {
          const [cluster, inner] = await start({ shardedSubscribers: true });
          await cluster.ssubscribe('shard');
          const slot = await clustered.cluster.slotOf('shard');
          const group = inner.shardedSubscribers;
          const address = `127.0.0.1:${(await clustered.cluster.masterOf(slot)).port}`;
          expect(group?.channels.get(slot)).to.deep.equal(['shard']);
          expect(group?.clusterSlots[slot]?.[0]).to.equal(address);
          const client = group?.shardedSubscribers.get(address)?.getInstance();
          expect(client?.status).to.equal('ready');
          expect(client && isClusterSubscriber(client)).to.equal(true);
          expect(inner.subscriberGroupEmitter?.listenerCount('subscriberConnectFailed')).to.equal(1);
          const resubscribed = new Promise<void>((resolve) => {
            if (group) group._resubscribe = resolve;
          });
          client?.disconnect();
          await resubscribed;
        });
      }

      it('queues the commands of a cluster that knows no node yet on its `offlineQueue`', async () => {
        const [nodes, options] = await clustered.configure();
        const cluster = clustered.keep(new Cluster(nodes, options));
        const value = cluster.get('key');
        const { offlineQueue } = cluster as unknown as Pick<ClientInternals, 'offlineQueue'>;
        expect(offlineQueue.length).to.equal(1);
        await value;
        expect(offlineQueue.length).to.equal(0);
      });

      it('calls back from `refreshSlotsCache`, with the error of the last node if none answers', async () => {
        const [, inner] = await start();
        const refresh = (): Promise<unknown> =>
          new Promise((resolve) => {
            inner.refreshSlotsCache(resolve);
          });
        expect(await refresh()).to.equal(undefined);
        clustered.azure.refuseLogins();
        const error = await refresh();
        clustered.azure.acceptLogins();
        expect(error).to.have.property('lastNodeError').that.is.instanceOf(Error);
      });

      it('keeps the error of a node in the `lastNodeError` of a cluster that finds none', async () => {
        const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], {
          clusterRetryStrategy: () => null,
        });
        const error = await new Promise<Error & { lastNodeError?: unknown }>((resolve) => {
          cluster.once('error', resolve);
        });
        cluster.disconnect();
        expect(error.lastNodeError).to.be.instanceOf(Error);
      });
    });
  }
});
