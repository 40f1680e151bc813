import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { AuthenticatorEvents, ConfiguredRedisOptions } from '../../lib/index.js';
import { internals } from '../../lib/ioredis/client.js';
import { Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { happens, next, until } from '../support/waiting.js';

/** The socket below a stream. */
interface ReadHandle {
  readStop(): void;
  readStart(): void;
}

type Recycled = AuthenticatorEvents['recycled'][0];

describe('the replacement of a connection', () => {
  const cache = Cache.forAll({ product: 'cache' }); // Azure Managed Redis has database 0 only.
  let network: Network;

  beforeEach(async () => {
    network = await Network.to(cache.azure.port);
  });
  afterEach(() => network.close());

  async function connect(
    variant: Variant,
    more: Partial<ConfiguredRedisOptions> = {},
  ): Promise<{ client: Redis; options: ConfiguredRedisOptions; replace: () => Promise<Recycled> }> {
    const options = await cache.configure({ ...more, port: network.port });
    const client = await cache.connect(variant, options);
    const { authenticator } = options;
    const replace = async (): Promise<Recycled> => {
      const recycled = next<Recycled>(authenticator, 'recycled');
      await authenticator.managedClientOf(client).replaceConnection('maintenance');
      return recycled;
    };
    return { client, options, replace };
  }

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      it('does not wait for a server that keeps its side of the old connection open', async () => {
        const { client, replace } = await connect(variant, { disconnectTimeout: 10_000 });
        network.loseServerSides();
        expect((await replace()).gap).to.be.below(5_000);
        expect(await client.set('key', 'value')).to.equal('OK');
      });

      it('never changes the options of the application', async () => {
        const retryStrategy = (): number => 1_000;
        const { client, replace } = await connect(variant, { retryStrategy, maxRetriesPerRequest: 7 });
        const { options } = client;
        const seen: unknown[] = [];
        const look = (): void => {
          const duplicate = client.duplicate({ lazyConnect: true });
          for (const shown of [client.options, duplicate.options]) {
            seen.push([shown.retryStrategy, shown.maxRetriesPerRequest]);
          }
        };
        const replaced = replace();
        await halfClosed(client);
        look();
        client.once('close', look).once('reconnecting', look);
        await replaced;
        look();
        expect(seen).to.have.length(8);
        for (const shown of seen) expect(shown).to.deep.equal([retryStrategy, 7]);
        expect(client.options).to.equal(options);
      });

      it('connects again at once after removeAllListeners()', async () => {
        const { client, replace } = await connect(variant, { retryStrategy: () => null });
        const replaced = replace();
        await halfClosed(client);
        client.removeAllListeners('close');
        await replaced;
        expect(await client.ping()).to.equal('PONG');
        expect(client.options.retryStrategy?.(1)).to.equal(null);
      });

      it('restores the database and the protocol after RESET, for what is sent right after it too', async () => {
        const { client, options } = await connect(variant, { db: 2 });
        const recycled = next<Recycled>(options.authenticator, 'recycled');
        const reset = client.reset();
        const replies = Promise.all([client.set('where', 'here'), client.get('where'), client.incr('count')]);
        expect(await reset).to.equal('RESET');
        expect(await replies).to.deep.equal(['OK', 'here', 1]);
        expect(await recycled).to.include({ reason: 'reset' });
        expect(await client.client('INFO'))
          .to.match(/ db=2 /)
          .and.match(RegExp(` resp=${variant.protocol}`));
        await client.flushdb();
      });

      it('runs no command twice whose reply is received together with the one that causes it', async () => {
        const { client, options } = await connect(variant);
        const managed = options.authenticator.managedClientOf(client);
        const count = async (): Promise<number> => Number(await cache.azure.server.call('GET', 'counter'));
        // Both replies, a TLS record each, arrive in one read. `pause()` would leave Node.js decrypting them one by one.
        const { _handle: handle } = internals(client).stream as unknown as { _handle: ReadHandle };
        handle.readStop();
        const first = client.incr('counter');
        await until(async () => (await count()) === 1);
        const second = client.incr('counter');
        await until(async () => (await count()) === 2);
        const ready = happens(client, 'ready');
        const replaced = first.then(() => managed.replaceConnection('requested'));
        handle.readStart();
        expect(await Promise.all([first, second])).to.deep.equal([1, 2]);
        await Promise.all([replaced, ready]);
        expect(await count()).to.equal(2);
        await client.flushdb();
      });

      it('ends when the application disconnects', async () => {
        const { client, options } = await connect(variant);
        const ended = happens(client, 'end');
        void options.authenticator.managedClientOf(client).replaceConnection('maintenance');
        await halfClosed(client);
        client.disconnect();
        await ended;
        expect(options.authenticator.connections).to.deep.equal([]);
      });
    });
  }
});

/** Resolves in the turn in which an idle connection is half-closed that is replaced in this one. */
async function halfClosed(client: Redis): Promise<void> {
  await setImmediate();
  await setImmediate();
  expect(internals(client).stream?.writable).to.equal(false);
}
