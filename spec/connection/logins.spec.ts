import { inspect } from 'node:util';
import fastifyRedis, { type FastifyRedisPluginOptions } from '@fastify/redis';
import { expect } from 'chai';
import { fastify } from 'fastify';
import { ReplyError } from 'ioredis';
import { AzureRedisError } from '../../lib/index.js';
import { Cache, connectionsOf } from '../support/cache.js';
import { sendsClientInfo, VARIANTS } from '../support/ioredis-versions.js';
import { rejection } from '../support/rejection.js';
import { next, past } from '../support/waiting.js';

const SCOPE = 'https://redis.azure.com/.default';

/** A connection that is replaced awaits the replies to the commands in flight, however slow the machine is. */
const PATIENT = { disconnectTimeout: 60_000 };

describe('a connection that the server considers logged out', () => {
  const cache = Cache.forEach();

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      it('logs in again and sends the rejected commands again, in order', async () => {
        const credential = cache.azure.credential();
        const client = await cache.connect(variant, await cache.configure({ credential }));
        await client.ping();
        const replies = await Promise.all([
          client.rpush('list', 1),
          client.call('RESET'),
          client.rpush('list', 2),
          client.rpush('list', 3),
          client.lrange('list', 0, -1),
        ]);
        expect(replies).to.deep.equal([1, 'RESET', 2, 3, ['1', '2', '3']]);
        expect(connectionsOf(cache.azure, credential), 'RESET replaces the connection').to.equal(2);
        expect(cache.azure.statistics.logins).to.have.length(2);
      });

      it('keeps pipelines and transactions whole', async () => {
        const client = await cache.connect(variant, await cache.configure());
        const [, pipeline, transaction, value] = await Promise.all([
          client.call('RESET'),
          client.pipeline().set('a', 1).incr('a').exec(),
          client.multi().incr('a').incr('a').exec(),
          client.get('a'),
        ]);
        expect(pipeline).to.deep.equal([
          [null, 'OK'],
          [null, 2],
        ]);
        expect(transaction).to.deep.equal([
          [null, 3],
          [null, 4],
        ]);
        expect(value).to.equal('4');
      });

      it('leaves the handling to reconnectOnError if it is set', async () => {
        const seen: string[] = [];
        const options = await cache.configure({
          ...PATIENT,
          reconnectOnError: ({ message }) => {
            seen.push(message);
            return false;
          },
        });
        const client = await cache.connect(variant, options);
        const [, refused] = await Promise.allSettled([client.call('RESET'), client.get('key')]);
        expect(refused)
          .to.have.property('reason')
          .with.property('message')
          .that.matches(/^NOAUTH/);
        expect(seen).to.have.length(1);
      });

      it('rejects the commands when the new login is rejected', async () => {
        const options = await cache.configure(PATIENT);
        const client = await cache.connect(variant, options);
        cache.azure.refuseLogins();
        const [, refused] = await Promise.allSettled([client.call('RESET'), client.get('key')]);
        expect(refused).to.have.property('reason').that.is.instanceOf(AzureRedisError).and.includes({
          code: 'WRONGPASS',
        });
      });
    });
  }
});

describe('an endpoint that rejects the login in HELLO but accepts it in AUTH', () => {
  const cache = Cache.forEach();
  const [resp3] = VARIANTS;

  it('is used over RESP2, on the same connection, without a rejected command', async () => {
    cache.azure.refuseHello();
    const credential = cache.azure.credential();
    const client = cache.client(resp3, await cache.configure({ credential }));
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    const replies = await Promise.all([client.set('key', 'value'), client.get('key')]);
    expect(replies).to.deep.equal(['OK', 'value']);
    expect(errors).to.deep.equal([]);
    expect(client.condition).to.have.property('protocol', 2);
    expect(cache.azure.statistics.connections).to.have.length(1);
    expect(cache.azure.statistics.refusals.map(({ method }) => method)).to.deep.equal(['HELLO']);
  });

  it('has its subscribers replaced, as over RESP2', async () => {
    cache.azure.refuseHello();
    const credential = cache.azure.credential({ tokenLifetime: 4_000 });
    const options = await cache.configure({ credential });
    const client = await cache.connect(resp3, options);
    await client.subscribe('news');
    const first = options.authenticator.expiresOn;
    expect(await next(options.authenticator, 'recycled')).to.include({ reason: 'subscriber' });
    await past(first);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });
});

describe('a login that the cache rejects', () => {
  const cache = Cache.forEach();

  for (const variant of VARIANTS) {
    it(`is explained, with a remedy and without the token: ${variant.name}`, async () => {
      const credential = cache.azure.credential({ role: 'none', cacheTokens: true });
      const options = await cache.configure({ credential });
      const client = cache.client(variant, { ...options, protocol: variant.protocol });
      const errors: unknown[] = [];
      client.on('error', (emitted) => errors.push(emitted));
      const error = await rejection(client.get('key'));
      client.disconnect();
      expect(error).to.include({ code: 'WRONGPASS' });
      expect(error.message).to.match(/^WRONGPASS/);
      expect(error.hint).to.contain('access policy').and.to.contain(credential.oid);
      expect(errors[0]).to.equal(error);
      expect(inspect([error, errors], { depth: 9, showHidden: true })).not.to.contain(
        (await credential.getToken(SCOPE)).token,
      );
    });

    it(`stays a ReplyError of ioredis, by which libraries decide: ${variant.name}`, async () => {
      const options = await cache.configure({ retryStrategy: () => null });
      cache.azure.refuseLogins();
      const client = cache.client(variant, { ...options, protocol: variant.protocol });
      const error = await rejection(client.get('key'));
      expect(error).to.be.instanceOf(ReplyError).and.to.be.instanceOf(AzureRedisError);
      expect(error).to.include({ name: 'ReplyError', code: 'WRONGPASS' });
      cache.azure.acceptLogins();
    });

    it(`succeeds once access is granted: ${variant.name}`, async () => {
      const credential = cache.azure.credential({ role: 'none' });
      const options = await cache.configure({ credential });
      const client = cache.client(variant, { ...options, protocol: variant.protocol });
      await rejection(client.get('key'));
      const ready = next(client, 'ready').catch(() => next(client, 'ready'));
      await cache.azure.assignRole(credential.oid, 'Data Owner');
      await ready;
      expect(await client.get('key')).to.equal(null);
    });

    it(`is distinguished from a command that the role does not permit: ${variant.name}`, async () => {
      const credential = cache.azure.credential({ role: 'Data Reader' });
      // A reader may not run INFO, which ioredis' ready check prints a warning about.
      const options = await cache.configure({ credential, enableReadyCheck: false });
      const client = await cache.connect(variant, options);
      const error = await rejection(client.set('key', 'value'));
      expect(error).to.include({ code: 'NOPERM' });
      expect(error.message).to.match(/^NOPERM/);
      expect(error.hint).to.contain('access policy').and.to.contain(credential.oid);
      expect(error).to.be.instanceOf(AzureRedisError).and.to.have.property('name', 'ReplyError');
    });
  }
});

describe('an access key that the cache rejects', () => {
  const cache = Cache.forAll();

  it('is explained as a key, not as an identity', async () => {
    const options = await cache.configure({
      accessKey: 'wrong',
      retryStrategy: () => null,
    });
    const [variant] = VARIANTS;
    const error = await rejection(cache.client(variant, options).get('key'));
    expect(error).to.include({ code: 'WRONGPASS' });
    expect(error.hint).to.contain('access key').and.not.to.contain('object id');
  });
});

describe('@fastify/redis', () => {
  const cache = Cache.forEach();

  it('reports a rejected login at once', async () => {
    const options = await cache.configure();
    cache.azure.refuseLogins();
    const app = fastify({ pluginTimeout: 30_000 });
    const error = await rejection(
      Promise.resolve(app.register(fastifyRedis, options as FastifyRedisPluginOptions).ready()),
    );
    expect(error).to.include({ code: 'WRONGPASS' });
    await app.close();
  });
});

describe('the name of the client library', () => {
  const cache = Cache.forEach();

  for (const variant of VARIANTS.filter(sendsClientInfo)) {
    it(`shows operators that this package manages the connection: ${variant.name}`, async () => {
      const client = await cache.connect(variant, await cache.configure({ clientInfoTag: 'shop_v2' }));
      await client.ping();
      const [connection] = cache.azure.statistics.open;
      expect(connection?.libraryName).to.match(/^ioredis\(shop_v2;ioredis-azure_v\d+\.\d+\.\d+\)$/);
    });
  }
});
