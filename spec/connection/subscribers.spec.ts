import { expect } from 'chai';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { internals } from '../../lib/ioredis/client.js';
import { connectionsOf, itWithEach } from '../support/cache.js';
import { RESP2_VARIANTS, VARIANTS, VERSIONS } from '../support/ioredis-versions.js';
import { happens, next, nextWhere, past, times, until } from '../support/waiting.js';

type Recycled = AuthenticatorEvents['recycled'][0];

describe('a connection that does not accept AUTH', () => {
  const caches = { tokenLifetime: 4_000 };

  describe('a subscriber over RESP2', () => {
    itWithEach(
      RESP2_VARIANTS,
      'is replaced before its token expires, and subscribed again to its channels and patterns',
      caches,
      async (variant, cache) => {
        const options = await cache.configure();
        const subscriber = await cache.connect(variant, options);
        await subscriber.subscribe('news', 'weather');
        await subscriber.psubscribe('user.*');
        const first = options.authenticator.expiresOn;
        for (let token = 0; token < 3; token += 1) {
          const recycled = await next<Recycled>(options.authenticator, 'recycled');
          expect(recycled).to.include({ endpoint: `localhost:${cache.azure.port}`, reason: 'subscriber' });
          expect(recycled.gap).to.be.within(0, 4_000);

          const messages: unknown[] = [];
          const received = times(3, subscriber, 'any');
          subscriber.on('message', (channel, text) => {
            messages.push([channel, text]);
            subscriber.emit('any');
          });
          subscriber.on('pmessage', (pattern, channel, text) => {
            messages.push([pattern, channel, text]);
            subscriber.emit('any');
          });
          for (const channel of ['news', 'weather', 'user.7']) {
            await cache.azure.server.call('PUBLISH', channel, 'hello');
          }
          await received;
          expect(messages).to.deep.equal([
            ['news', 'hello'],
            ['weather', 'hello'],
            ['user.*', 'user.7', 'hello'],
          ]);
          subscriber.removeAllListeners('message').removeAllListeners('pmessage');
        }
        await past(first);
        expect(cache.azure.statistics.evictions).to.deep.equal([]);
        expect(cache.azure.statistics.refusals).to.deep.equal([]);
      },
    );

    // ioredis 5.4 is ready in the tick in which it writes its login.
    itWithEach(
      VERSIONS.map((version) => ({ ...version, protocol: 2 })),
      'is replaced once for each token without a ready check, too',
      { tokenLifetime: 2_000 },
      async (variant, cache) => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential, enableReadyCheck: false });
        const subscriber = await cache.connect(variant, options);
        await subscriber.subscribe('news');
        await times(3, options.authenticator, 'tokenRefreshed');
        expect(connectionsOf(cache.azure, credential)).to.equal(3);
      },
    );

    itWithEach(
      RESP2_VARIANTS,
      'receives the replies in flight before it is replaced',
      caches,
      async (variant, cache) => {
        const options = await cache.configure();
        const subscriber = await cache.connect(variant, options);
        await subscriber.subscribe('first');
        const recycled = next<Recycled>(options.authenticator, 'recycled');
        const state = { isRecycled: false };
        const subscribing = (async () => {
          let count = 1;
          while (!state.isRecycled) {
            count += 1;
            // The server counts the channels of this connection: none is lost and none is subscribed twice.
            expect(await subscriber.subscribe(`channel ${count}`)).to.equal(count);
          }
          return count;
        })();
        await recycled;
        state.isRecycled = true;
        const count = await subscribing;
        expect(await cache.azure.server.call('PUBSUB', 'CHANNELS')).to.have.length(count);
        expect(await subscriber.unsubscribe()).to.equal(0);
      },
    );

    itWithEach(
      RESP2_VARIANTS,
      'is re-authenticated in place once it has unsubscribed',
      caches,
      async (variant, cache) => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        await client.subscribe('news');
        await client.unsubscribe('news');
        await next(options.authenticator, 'reauthenticated');
        expect(cache.azure.statistics.connections).to.have.length(1);
      },
    );

    itWithEach(
      RESP2_VARIANTS,
      'keeps its own retry strategy for real failures',
      caches,
      async (variant, cache) => {
        const options = await cache.configure({ retryStrategy: () => null, maxRetriesPerRequest: 0 });
        const subscriber = await cache.connect(variant, options);
        await subscriber.subscribe('news');
        await next(options.authenticator, 'recycled');
        expect(subscriber.options.maxRetriesPerRequest).to.equal(0);
        const ended = happens(subscriber, 'end');
        cache.azure.dropConnections();
        await ended;
      },
    );
  });

  describe('a subscriber over RESP3', () => {
    itWithEach(
      [VARIANTS[0]],
      'is re-authenticated in place, not replaced',
      caches,
      async (variant, cache) => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential });
        const subscriber = await cache.connect(variant, options);
        await subscriber.subscribe('news');
        await times(3, options.authenticator, 'reauthenticated');
        expect(connectionsOf(cache.azure, credential)).to.equal(1);
        expect(cache.azure.statistics.evictions).to.deep.equal([]);
      },
    );
  });

  describe('MONITOR', () => {
    itWithEach(
      VARIANTS,
      'is entered while commands of others arrive, without an error',
      caches,
      async (variant, cache) => {
        const options = await cache.configure({ retryStrategy: () => 0 });
        const errors: unknown[] = [];
        const monitor = cache.client(variant, { ...options, protocol: variant.protocol, monitor: true });
        monitor.on('error', (error) => errors.push(error));
        const busy = await cache.connect(variant, await cache.configure({ retryStrategy: () => 0 }));
        const over = new AbortController();
        const traffic = (async (): Promise<void> => {
          while (!over.signal.aborted) {
            await Promise.all(Array.from({ length: 100 }, () => busy.set('key', 'value')));
          }
        })();
        for (let connections = 0; connections < 10; connections += 1) {
          await new Promise((resolve) => monitor.once('monitoring', resolve));
          internals(monitor).stream?.destroy();
        }
        over.abort();
        await traffic;
        expect(errors.map(String).join()).not.to.contain('Command queue state error');
      },
    );

    itWithEach(VARIANTS, 'continues on a new connection', caches, async (variant, cache) => {
      const options = await cache.configure();
      const client = await cache.connect(variant, options);
      const monitor = await client.monitor();
      monitor.on('error', () => undefined);
      const first = options.authenticator.expiresOn;
      for (let token = 0; token < 2; token += 1) {
        await nextWhere<Recycled>(options.authenticator, 'recycled', ({ reason }) => reason === 'monitor');
      }
      await past(first);
      let isSeen = false;
      monitor.on('monitor', (_time: string, args: string[]) => {
        isSeen ||= args[1] === 'watched';
      });
      await until(async () => {
        await client.set('watched', 'value');
        return isSeen;
      });
      monitor.disconnect();
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    });
  });

  describe('a blocking command', () => {
    itWithEach(
      VARIANTS,
      'in a pipeline continues on a new connection when it blocks beyond the expiry of its token',
      caches,
      async (variant, cache) => {
        // Whether it blocks is known once its AUTH has had no answer for half of what is left of its token.
        const credential = cache.azure.credential({ tokenLifetime: 6_000 });
        const options = await cache.configure({ credential, expirationRefreshRatio: 0.1 });
        const client = await cache.connect(variant, options);
        const first = options.authenticator.expiresOn;
        const popped = client.pipeline().blpop('list', 0).exec();
        for (let token = 0; token < 3; token += 1) {
          expect(await next(options.authenticator, 'recycled')).to.include({ reason: 'blocked' });
        }
        await past(first);
        await cache.azure.server.call('RPUSH', 'list', 'only');
        expect(await popped).to.deep.equal([[null, ['list', 'only']]]);
        expect(await client.llen('list')).to.equal(0);
        expect(cache.azure.statistics.evictions).to.deep.equal([]);
        expect(cache.azure.statistics.refusals).to.deep.equal([]);
      },
    );

    itWithEach(
      VARIANTS,
      'ends if its client is disconnected during the replacement',
      caches,
      async (variant, cache) => {
        const options = await cache.configure();
        const client = await cache.connect(variant, options);
        const popped = client.pipeline().blpop('list', 0).exec();
        await happens(client, 'close');
        const ended = happens(client, 'end');
        setImmediate(() => {
          client.disconnect();
        });
        await ended;
        const [[error] = []] = (await popped) ?? [];
        expect(error).to.have.property('message', 'Connection is closed.');
        expect(options.authenticator.connections).to.deep.equal([]);
      },
    );

    itWithEach(
      VARIANTS,
      'keeps its connection when it blocks for a shorter time',
      caches,
      async (variant, cache) => {
        const credential = cache.azure.credential();
        const options = await cache.configure({ credential });
        const client = await cache.connect(variant, options);
        const state = { isDone: false };
        const work = (async () => {
          while (!state.isDone) expect(await client.blpop('list', 0.05)).to.equal(null);
        })();
        await times(3, options.authenticator, 'reauthenticated');
        state.isDone = true;
        await work;
        expect(connectionsOf(cache.azure, credential)).to.equal(1);
      },
    );
  });
});
