import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { happens, next } from '../support/waiting.js';

/** Calls `send` at the client's next `connect`, and resolves with its result. */
async function atConnect<Result>(client: Redis, send: () => Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => {
      send().then(resolve, reject);
    });
  });
}

describe('a client that has connected and is not ready yet', () => {
  const cache = Cache.forEach();

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      /** A client that loses its connection, and connects again. */
      async function reconnecting(): Promise<Redis> {
        const options = await cache.configure({ retryStrategy: () => 0 });
        const client = await cache.connect(variant, options);
        cache.azure.dropConnections();
        await happens(client, 'reconnecting');
        return client;
      }

      it('keeps the commands of a transaction in order, with none of ioredis among them', async () => {
        const client = await reconnecting();
        const results = await atConnect(client, async () => {
          void client.multi({ pipeline: false });
          void client.set('key', 'value');
          void client.incr('counter');
          return client.call('EXEC');
        });
        expect(results).to.deep.equal(['OK', 1]);
      });

      it('opens a transaction when it is ready, after its own commands', async () => {
        const client = await reconnecting();
        const opened = await atConnect(client, () => client.multi({ pipeline: false }));
        expect(opened).to.equal('OK');
        await client.set('key', 'value');
        expect(await client.call('EXEC')).to.deep.equal(['OK']);
      });

      it('opens a transaction after a rejected login, without the ready check of the connection before', async () => {
        const client = await cache.connect(variant, await cache.configure({ retryStrategy: () => 0 }));
        cache.azure.refuseLogins();
        cache.azure.dropConnections();
        await happens(client, 'reconnecting');
        const opened = client.multi({ pipeline: false }).catch(() => {
          cache.azure.acceptLogins();
          return client.multi({ pipeline: false });
        });
        expect(await opened).to.equal('OK');
        await client.set('key', 'value');
        expect(await client.call('EXEC')).to.deep.equal(['OK']);
      });

      it('includes no version of ioredis that was read after the connection closed', async () => {
        const client = await reconnecting();
        void client.multi({ pipeline: false });
        const version = client.client('SETINFO', 'LIB-VER', '1.0.0').catch((error: unknown) => error);
        void client.set('key', 'value');
        expect(await client.call('EXEC')).to.deep.equal(['OK']);
        expect(await version).to.have.property('message', 'Connection is closed.');
      });

      it('sends WATCH after the commands that waited before it', async () => {
        const client = await reconnecting();
        void client.set('watched', 'own value');
        const results = await atConnect(client, async () => {
          void client.watch('watched');
          return client.multi().get('watched').exec();
        });
        expect(results).to.deep.equal([[null, 'own value']]);
      });

      it('subscribes without another connection', async () => {
        const client = await reconnecting();
        const count = await atConnect(client, () => client.subscribe('news'));
        expect(count).to.equal(1);
        const message = next(client, 'message');
        await cache.azure.server.call('PUBLISH', 'news', 'hello');
        expect(await message).to.equal('news');
        // The one that was lost, and the one after it.
        expect(cache.azure.statistics.connections).to.have.lengthOf(2);
      });

      it('unsubscribes from the channels of the connection before', async () => {
        const options = await cache.configure({ retryStrategy: () => 0 });
        const client = await cache.connect(variant, options);
        await client.subscribe('news', 'weather');
        const unsubscribing = atConnect(client, () => client.unsubscribe('news'));
        cache.azure.dropConnections();
        expect(await unsubscribing).to.equal(1);
        expect(await cache.azure.server.call('PUBSUB', 'NUMSUB', 'news', 'weather')).to.deep.equal([
          'news',
          0,
          'weather',
          1,
        ]);
      });

      it('rejects them without an offline queue, as every command', async () => {
        const options = await cache.configure({ enableOfflineQueue: false });
        const client = cache.client(variant, { ...options, protocol: variant.protocol });
        const results = await atConnect(client, () =>
          Promise.allSettled([
            client.multi({ pipeline: false }),
            client.set('key', 'value'),
            client.exec(),
            client.subscribe('news'),
          ]),
        );
        const message = "Stream isn't writeable and enableOfflineQueue options is false";
        expect(results.map((result) => result.status === 'rejected' && (result.reason as Error).message))
          .to.have.lengthOf(4)
          .and.satisfy((messages: readonly unknown[]) => messages.every((text) => text === message));
        await happens(client, 'ready');
        expect(await client.ping()).to.equal('PONG');
      });
    });
  }
});
