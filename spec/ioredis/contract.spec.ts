import { expect } from 'chai';
import { Redis as Newest6 } from 'ioredis';
import { Redis as Oldest5 } from 'ioredis-5.4.0';
import { Redis as Oldest6 } from 'ioredis-6.0.0';
import { Redis as Newest5 } from 'ioredis5';
import { handlersOf } from '../../lib/ioredis/hooks.js';
import { internals, type Client } from '../../lib/ioredis/client.js';
import { Cache } from '../support/cache.js';
import { next } from '../support/waiting.js';

const VERSIONS = [
  { name: 'ioredis 5.4.0', Redis: Oldest5 },
  { name: 'the newest ioredis 5', Redis: Newest5 },
  { name: 'ioredis 6.0.0', Redis: Oldest6 },
  { name: 'the newest ioredis 6', Redis: Newest6 },
] as unknown as readonly { readonly name: string; readonly Redis: typeof Newest6 }[];

/** What `lib/ioredis/` relies on, though ioredis does not document it. */
describe('what ioredis keeps to itself', () => {
  const cache = Cache.forAll();

  for (const { name, Redis } of VERSIONS) {
    describe(`in ${name}`, () => {
      it('has its methods on the prototype, and calls them there', async () => {
        const options = await cache.configure();
        const client = cache.client({ Redis }, { ...options, lazyConnect: true });
        const prototype: object = Redis.prototype as object;
        for (const method of ['sendCommand', 'handleReconnection', 'setStatus', 'disconnect']) {
          expect(Object.hasOwn(prototype, method), method).to.equal(true);
          expect(Object.hasOwn(client, method), method).to.equal(false);
        }
        await client.connect();
        expect(handlersOf(client), 'setStatus() was called while it connected').not.to.equal(undefined);
      });

      it('turns the password into text each time that a connection logs in', async () => {
        const options = await cache.configure({ retryStrategy: () => 0 });
        const client = cache.client({ Redis }, options);
        await next(client, 'ready');
        const before = cache.azure.statistics.logins.length;
        await options.authenticator.refresh();
        const ready = next(client, 'ready');
        cache.azure.dropConnections();
        await ready;
        expect(cache.azure.statistics.logins.length).to.be.above(before);
        expect(cache.azure.statistics.refusals).to.deep.equal([]);
      });

      it('keeps its queues, its stream and the state of its connection where they are read', async () => {
        const client: Client = cache.client({ Redis }, await cache.configure());
        await new Promise<void>((resolve) => client.once('ready', resolve));
        const inner = internals(client);
        expect(inner.stream).to.have.property('writable', true);
        expect(inner.reconnectTimeout).to.equal(null);
        expect(inner.manuallyClosing).to.equal(false);
        expect(inner.condition).to.be.an('object');
        expect(inner.offlineQueue.length).to.equal(0);
        const reply = client.ping();
        expect(inner.commandQueue.length).to.equal(1);
        expect(inner.commandQueue.peekAt(0)?.command).to.have.property('name', 'ping');
        await reply;
        expect(inner.commandQueue.length).to.equal(0);
        for (const method of ['peekAt', 'remove', 'push'] as const) {
          expect(inner.commandQueue).to.have.property(method).that.is.a('function');
        }
      });

      it('takes a disconnect() that finds no connection for one of the next connection', () => {
        const client = new Redis({ lazyConnect: true, enableReadyCheck: false });
        client.status = 'end';
        client.disconnect();
        expect(internals(client).manuallyClosing).to.equal(true);
      });

      it('retries when a connector returns a destroyed socket, with its `firstError`', async () => {
        const options = await cache.configure({ retryStrategy: () => 60_000 });
        const client = cache.client({ Redis }, { ...options, tls: { rejectUnauthorized: false } });
        const reconnecting = new Promise((resolve) => client.once('reconnecting', resolve));
        const error = await next(client, 'error').catch((reason: unknown) => reason);
        expect(error).to.have.property('code', 'INSECURE_CONNECTION');
        await reconnecting;
        expect(internals(client).reconnectTimeout).not.to.equal(null);
      });
    });
  }
});
