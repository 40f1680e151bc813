import { expect } from 'chai';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next, until } from '../support/waiting.js';

describe('a failover that leaves connections to the old primary open', () => {
  const cache = Cache.forEach({ product: 'cache' }); // Azure Managed Redis has database 0 only.

  async function demote(): Promise<void> {
    await cache.azure.server.call('REPLICAOF', '127.0.0.1', '1');
  }
  async function failure(promise: Promise<unknown>): Promise<Error> {
    return promise.then(
      () => expect.fail('expected a rejection'),
      (error: unknown) => error as Error,
    );
  }
  async function promote(): Promise<void> {
    await cache.azure.server.call('REPLICAOF', 'NO', 'ONE');
  }

  for (const variant of VARIANTS) {
    it(`replaces them, and sends again what was refused with READONLY, in order: ${variant.name}`, async () => {
      const options = await cache.configure();
      const client = await cache.connect(variant, options);
      await demote();
      const recycled = next<AuthenticatorEvents['recycled'][0]>(options.authenticator, 'recycled');
      const replies = Promise.all([client.rpush('list', 1), client.rpush('list', 2), client.get('list')]);
      expect(await recycled).to.include({ reason: 'failover' });
      await promote();
      expect((await replies).slice(0, 2)).to.deep.equal([1, 2]);
    });
  }

  it('sends a command again to the database to which it was sent', async () => {
    const client = await cache.connect(VARIANTS[0], await cache.configure());
    await demote();
    const recycled = next(cache.azure, 'connection');
    const replies = Promise.all([client.set('zero', 0), client.select(1), client.set('one', 1)]);
    await recycled;
    await promote();
    await replies;
    expect(await client.keys('*')).to.deep.equal(['one']);
  });

  for (const variant of VARIANTS) {
    it(`continues a blocking command that the old primary ended: ${variant.name}`, async () => {
      const client = await cache.connect(variant, await cache.configure());
      const popping = client.blpop('queue', 0);
      await until(async () => String(await cache.azure.server.call('CLIENT', 'LIST')).includes('cmd=blpop'));
      const reconnected = next(cache.azure, 'connection');
      await demote();
      await reconnected;
      await promote();
      await cache.azure.server.call('RPUSH', 'queue', 'job');
      expect(await popping).to.deep.equal(['queue', 'job']);
    });
  }

  it('does not repeat WAIT, which concerns the writes of the connection that is lost', async () => {
    const client = await cache.connect(VARIANTS[0], await cache.configure());
    await client.set('key', 'value');
    const waiting = failure(client.wait(1, 0));
    await until(async () => String(await cache.azure.server.call('CLIENT', 'LIST')).includes('cmd=wait'));
    await demote();
    expect((await waiting).message).to.match(/^UNBLOCKED force/);
    await promote();
  });

  it('sends again what was refused with MASTERDOWN', async () => {
    const options = await cache.configure();
    const client = await cache.connect(VARIANTS[0], options);
    await cache.azure.server.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    await demote();
    const recycling = next(options.authenticator, 'recycled');
    const reply = client.get('key');
    // INFO is answered, so that the new connection is ready.
    await recycling;
    await promote();
    expect(await reply).to.equal(null);
  });

  it('rejects a transaction as a whole', async () => {
    const options = await cache.configure();
    const client = await cache.connect(VARIANTS[0], options);
    await demote();
    const error = await failure(client.multi().set('key', 'value').set('other', 'value').exec());
    expect(error.message).to.match(/^EXECABORT/);
    await promote();
    expect(await client.exists('key', 'other')).to.equal(0);
  });

  it('rejects a command that finds no primary in time', async function () {
    this.timeout(120_000);
    const options = await cache.configure();
    const client = await cache.connect(VARIANTS[0], options);
    await demote();
    const error = await failure(client.set('key', 'value'));
    expect(error.message).to.match(/^READONLY/);
    await promote();
  });

  it('leaves the handling to reconnectOnError if it is set', async () => {
    const options = await cache.configure({ reconnectOnError: () => false });
    const client = await cache.connect(VARIANTS[0], options);
    await demote();
    expect((await failure(client.set('key', 'value'))).message).to.match(/^READONLY/);
    await promote();
  });
});
