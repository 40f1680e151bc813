import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { internals } from '../../lib/ioredis/client.js';
import { Cache, connectionsOf, itWithEach } from '../support/cache.js';
import { CLUSTER_VARIANTS, ClusteredCache } from '../support/clustered-cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { expiries, happens, next, until } from '../support/waiting.js';

describe('a blocking command that is sent again', () => {
  const commands: Record<string, (client: Redis) => Promise<unknown>> = {
    BLPOP: (client) => client.blpop('nothing', 1.5),
    BRPOP: (client) => client.brpop('nothing', '1.5'),
    BLMOVE: (client) => client.blmove('nothing', 'other', 'LEFT', 'LEFT', 1.5),
    BRPOPLPUSH: (client) => client.brpoplpush('nothing', 'other', 1.5),
    BLMPOP: (client) => client.blmpop(1.5, 1, 'nothing', 'LEFT'),
    BZPOPMIN: (client) => client.bzpopmin('nothing', 1.5),
    BZPOPMAX: (client) => client.bzpopmax('nothing', 1.5),
    BZMPOP: (client) => client.bzmpop(1.5, 1, 'nothing', 'MIN'),
    XREAD: (client) => client.xread('COUNT', 1, 'BLOCK', 1_500, 'STREAMS', 'block', '0-0'),
  };

  // With the whole timeout each time, none of them would ever return.
  itWithEach(
    VARIANTS,
    'returns when its own timeout has passed, although it is sent again several times',
    {},
    async (variant, cache) => {
      const options = await cache.configure({ keyPrefix: 'prefix:', retryStrategy: () => 0 });
      const clients = await Promise.all(
        Object.values(commands).map(async (send) => ({
          send,
          client: await cache.connect(variant, options),
        })),
      );
      const start = performance.now();
      const state = { isDone: false };
      const replies = Promise.all(clients.map(({ send, client }) => send(client)));
      void replies.finally(() => (state.isDone = true)).catch(() => undefined);
      while (!state.isDone) {
        await until(() => clients.every(({ client }) => client.status === 'ready'));
        await sleep(300);
        cache.azure.dropConnections();
      }
      for (const reply of await replies) expect(reply).to.equal(null);
      expect(performance.now() - start).to.be.at.least(1_400);
    },
  );
});

describe('a blocking command', () => {
  const tokenLifetime = 4_000;

  itWithEach(
    VARIANTS,
    'blocks beyond the expiry of its token on one connection, and no item is lost or popped twice',
    { tokenLifetime },
    async (variant, cache) => {
      const credential = cache.azure.credential();
      const options = await cache.configure({ credential });
      const client = await cache.connect(variant, options);
      const popped: string[] = [];
      let pushed = 0;
      const state = { isDone: false };
      const popping = (async () => {
        for (;;) {
          const [, item = ''] = (await client.blpop('queue', 0)) ?? [];
          if (item === 'last') return;
          popped.push(item);
        }
      })();
      void expiries(3, options.authenticator).then(() => (state.isDone = true));
      while (!state.isDone) {
        await cache.azure.server.call('RPUSH', 'queue', String(pushed));
        pushed += 1;
        // Some items arrive in the middle of a turn, others while one follows another.
        await sleep(Math.random() * 400);
      }
      await cache.azure.server.call('RPUSH', 'queue', 'last');
      await popping;
      expect(popped).to.deep.equal(Array.from({ length: pushed }, (_, index) => String(index)));
      expect(connectionsOf(cache.azure, credential)).to.equal(1);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    },
  );

  itWithEach(
    VARIANTS,
    'lets AUTH pass before its token expires, though nothing arrives',
    { tokenLifetime },
    async (variant, cache) => {
      const credential = cache.azure.credential();
      const options = await cache.configure({ credential });
      const clients = [await cache.connect(variant, options), await cache.connect(variant, options)] as const;
      const blocked = [
        clients[0].blmove('empty', 'other', 'LEFT', 'LEFT', 0),
        clients[1].xread('BLOCK', 0, 'STREAMS', 'stream', '0'),
      ];
      const replies = Promise.allSettled(blocked);
      await expiries(3, options.authenticator);
      for (const client of clients) client.disconnect();
      for (const { status } of await replies) expect(status).to.equal('rejected');
      expect(connectionsOf(cache.azure, credential)).to.equal(2);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    },
  );

  itWithEach(
    VARIANTS,
    'that failed by `commandTimeout` is not sent again',
    { tokenLifetime },
    async (variant, cache) => {
      const options = await cache.configure({ commandTimeout: 1_000 });
      const client = await cache.connect(variant, options);
      const error: unknown = await client.blpop('queue', 0).catch((reason: unknown) => reason);
      expect(error).to.have.property('message', 'Command timed out');
      await next(options.authenticator, 'reauthenticated');
      await cache.azure.server.call('RPUSH', 'queue', 'item');
      expect(await cache.azure.server.call('LLEN', 'queue')).to.equal(1);
    },
  );

  itWithEach(
    [VARIANTS[0]],
    'that ended by `blockingTimeout` is not sent again',
    { tokenLifetime },
    async (variant, cache) => {
      const options = await cache.configure({ blockingTimeout: 1_000 });
      const client = await cache.connect(variant, options);
      expect(await client.blpop('queue', 0)).to.equal(null);
      await next(options.authenticator, 'reauthenticated');
      await cache.azure.server.call('RPUSH', 'queue', 'item');
      expect(await cache.azure.server.call('LLEN', 'queue')).to.equal(1);
    },
  );

  itWithEach(
    VARIANTS,
    'waits for the end of a transaction that was opened behind it',
    { tokenLifetime },
    async (variant, cache) => {
      const options = await cache.configure();
      const client = await cache.connect(variant, options);
      const popped = client.blpop('queue', 0);
      await client.multi({ pipeline: false });
      await client.incr('count');
      await cache.azure.server.call('RPUSH', 'queue', 'item');
      expect(await client.call('EXEC')).to.deep.equal([1]);
      expect(await popped).to.deep.equal(['queue', 'item']);
    },
  );

  itWithEach(
    VARIANTS,
    'is rejected with its connection if `autoResendUnfulfilledCommands` is `false`',
    { tokenLifetime },
    async (variant, cache) => {
      const options = await cache.configure({ autoResendUnfulfilledCommands: false });
      const client = await cache.connect(variant, options);
      const error = client.blpop('queue', 0).catch((reason: unknown) => reason);
      void options.authenticator.managedClientOf(client).replaceConnection('maintenance');
      expect(await error).to.be.instanceOf(Error);
    },
  );
});

describe('CLIENT UNBLOCK', () => {
  const cache = Cache.forAll();
  const commands: Record<string, (client: Redis) => Promise<unknown>> = {
    BLPOP: (client) => client.blpop('nothing', 0),
    BLMOVE: (client) => client.blmove('nothing', 'other', 'LEFT', 'LEFT', 0),
    BZPOPMIN: (client) => client.bzpopmin('nothing', 0),
    XREAD: (client) => client.xread('BLOCK', 0, 'STREAMS', 'nothing', '$'),
  };

  for (const [name, send] of Object.entries(commands)) {
    it(`ends ${name}, which does not block again`, async () => {
      const client = await cache.connect(VARIANTS[0], await cache.configure());
      const id = String(await client.call('CLIENT', 'ID'));
      const reply = send(client);
      await until(async () => Number(await cache.azure.server.call('CLIENT', 'UNBLOCK', id)) === 1);
      expect(await reply).to.equal(null);
    });
  }
});

describe('XREAD with the id $', () => {
  const caches = { tokenLifetime: 2_500 };

  itWithEach(
    VARIANTS,
    'misses no entry that is added while it is sent again',
    caches,
    async (variant, cache) => {
      const options = await cache.configure({ keyPrefix: 'prefix:', retryStrategy: () => 0 });
      const client = await cache.connect(variant, options);
      await client.xadd('full', '1-1', 'field', 'old');
      const arguments_ = ['BLOCK', 0, 'STREAMS', 'full', 'empty', '$', '$'] as const;
      const first = client.xread(...arguments_);
      await until(async () => String(await cache.azure.server.call('CLIENT', 'LIST')).includes('cmd=xread'));
      // The client has received the last ids: only the XREAD awaits its reply.
      await until(() => internals(client).commandQueue.length === 1);
      const reconnecting = happens(client, 'reconnecting');
      cache.azure.dropConnections();
      await reconnecting;
      await cache.azure.server.call('XADD', 'prefix:full', '2-1', 'field', 'new');
      expect(await first).to.deep.equal([['prefix:full', [['2-1', ['field', 'new']]]]]);

      const second = client.xread(...arguments_);
      await expiries(2, options.authenticator);
      await cache.azure.server.call('XADD', 'prefix:empty', '1-1', 'field', 'new');
      expect(await second).to.deep.equal([['prefix:empty', [['1-1', ['field', 'new']]]]]);
    },
  );

  itWithEach(
    VARIANTS,
    'is sent as it is in a transaction and in a pipeline',
    caches,
    async (variant, cache) => {
      const client = await cache.connect(variant, await cache.configure());
      await client.multi({ pipeline: false });
      await client.xread('BLOCK', 1, 'STREAMS', 'stream', '$');
      await client.incr('count');
      expect(await client.call('EXEC')).to.deep.equal([null, 1]);
      const replies = await client
        .pipeline()
        .xread('BLOCK', 1, 'STREAMS', 'stream', '$')
        .incr('count')
        .exec();
      expect(replies).to.deep.equal([
        [null, null],
        [null, 2],
      ]);
    },
  );
});

describe('XREAD with the id $ on a cluster', () => {
  const clustered = ClusteredCache.forAll();

  for (const variant of CLUSTER_VARIANTS) {
    it(`gets its id from the node to which it is redirected: ${variant.name}`, async () => {
      const { cluster } = await clustered.connect(variant, { cluster: { retryDelayOnMoved: 0 } });
      const stream = `stream:${CLUSTER_VARIANTS.indexOf(variant)}`;
      await cluster.xadd(stream, '1-1', 'field', 'old');
      // The client believes that another node serves the stream.
      const { slots } = cluster as unknown as { slots: string[][] };
      const slot = await clustered.cluster.slotOf(stream);
      slots[slot] = slots.find(([master]) => master !== slots[slot]?.[0]) ?? [];
      const reply = cluster.xread('BLOCK', 0, 'STREAMS', stream, '$');
      await until(() =>
        cluster.nodes('master').some((node) => {
          const awaited = internals(node).commandQueue.peekAt(0)?.command;
          return awaited?.name === 'xread' && awaited.args.includes('1-1');
        }),
      );
      // On another connection than the one that blocks.
      const { server } = await clustered.cluster.masterOf(slot);
      await server.call('XADD', stream, '2-1', 'field', 'new');
      expect(await reply).to.deep.equal([[stream, [['2-1', ['field', 'new']]]]]);
    });
  }
});
