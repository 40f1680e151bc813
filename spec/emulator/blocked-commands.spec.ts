import { once } from 'node:events';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { configureForAzure } from '../../lib/index.js';
import { AzureRedisEmulator, type Product } from '../../emulator/index.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';

/** What the server says against a command. */
async function refusal(reply: Promise<unknown>): Promise<string> {
  return reply.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: unknown) => (error as Error).message,
  );
}

const BLOCKED = [
  ['ACL', 'LIST'],
  ['ACL', 'SETUSER', 'me', '+@all'],
  ['BGREWRITEAOF'],
  ['BGSAVE'],
  ['CLUSTER', 'FAILOVER'],
  ['CLUSTER', 'RESET'],
  ['CONFIG', 'GET', 'maxmemory'],
  ['config', 'set', 'maxmemory', '1mb'],
  ['DEBUG', 'SLEEP', '0'],
  ['MIGRATE', '127.0.0.1', '1', 'key', '0', '1'],
  ['PSYNC', '?', '-1'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['SAVE'],
  ['SHUTDOWN', 'NOSAVE'],
  ['SLAVEOF', 'NO', 'ONE'],
  ['SYNC'],
];

for (const product of ['cache', 'managed'] satisfies Product[]) {
  describe(`an emulator of the product '${product}'`, () => {
    let azure: AzureRedisEmulator;
    let redis: Redis;

    before(async () => {
      azure = await AzureRedisEmulator.start({ product });
      redis = new Redis(await configureForAzure(azure.options));
    });

    after(async () => {
      await redis.quit();
      await azure.stop();
    });

    for (const [name = '', ...args] of BLOCKED) {
      it(`answers ${[name, ...args].join(' ')} with ERR unknown command, even for a Data Owner`, async () => {
        expect(await refusal(redis.call(name, ...args))).to.match(
          new RegExp(`^ERR unknown command '${name}`),
        );
      });
    }

    it('permits commands that only read the ACL or the cluster', async () => {
      expect(await redis.call('ACL', 'WHOAMI')).to.equal(azure.options.credential.oid);
      expect(await refusal(redis.call('CLUSTER', 'HELP'))).to.not.include('unknown command');
    });

    it('aborts a transaction with a blocked command', async () => {
      await redis.multi({ pipeline: false });
      await redis.set('key', 'value');
      expect(await refusal(redis.call('CONFIG', 'GET', 'maxmemory'))).to.match(/unknown command/);
      expect(await refusal(redis.call('EXEC'))).to.include('EXECABORT');
    });

    it('denies blocked commands in scripts', async () => {
      expect(await refusal(redis.eval("return redis.call('CONFIG', 'GET', 'maxmemory')", 0))).to.match(
        /script/i,
      );
    });

    it('blocks them after a login with the access key, too', async () => {
      const { host, port, tls } = azure.options;
      const client = new Redis(await configureForAzure({ host, port, tls, accessKey: azure.accessKey }));
      expect(await refusal(client.call('CONFIG', 'GET', 'maxmemory'))).to.match(/^ERR unknown command/);
      await client.quit();
    });
  });
}

describe('an emulator of Azure Managed Redis, which is the default', () => {
  let azure: AzureRedisEmulator;
  let redis: Redis;

  before(async () => {
    azure = await AzureRedisEmulator.start();
    redis = new Redis(await configureForAzure(azure.options));
  });

  after(async () => {
    await redis.quit();
    await azure.stop();
  });

  it('has database 0 only', async () => {
    const outOfRange = 'ERR DB index is out of range';
    expect(await redis.select(0)).to.equal('OK');
    expect(await refusal(redis.select(1))).to.equal(outOfRange);
    expect(await refusal(redis.copy('key', 'other', 'DB', 1))).to.equal(outOfRange);
    const [, [error] = []] = (await redis.multi().set('key', 'value').select(1).exec()) ?? [];
    expect(error?.message).to.equal(outOfRange);
    expect(await refusal(redis.eval("return redis.call('SELECT', 1)", 0))).to.include(
      'index is out of range',
    );
  });

  it('has it in front of a running Redis, too', async () => {
    const upstream = await RedisOnTcp.start();
    await using fronting = await AzureRedisEmulator.start({ upstream });
    const client = new Redis(await configureForAzure(fronting.options));
    const replies = await Promise.all([
      client.set('key', 'value'),
      refusal(client.select(1)),
      client.get('key'),
    ]);
    expect(replies).to.deep.equal(['OK', 'ERR DB index is out of range', 'value']);
    await client.quit();
    await upstream.stop();
  });

  it('blocks commands that Azure Cache for Redis supports', async () => {
    await using other = await AzureRedisEmulator.start({ product: 'cache' });
    const cache = new Redis(await configureForAzure(other.options));
    for (const [name = '', ...args] of [
      ['LASTSAVE'],
      ['CLIENT', 'PAUSE', '0'],
      ['MOVE', 'key', '1'],
      ['ROLE'],
    ]) {
      expect(await refusal(redis.call(name, ...args))).to.match(/^ERR unknown command/);
      expect(await refusal(cache.call(name, ...args))).to.match(/^answered/);
    }
    expect(await cache.select(1)).to.equal('OK');
    await cache.quit();
  });
});

describe('an emulator with an idleTimeout', () => {
  it('closes connections without traffic, and no others', async () => {
    const azure = await AzureRedisEmulator.start({ idleTimeout: 400 });
    const redis = new Redis({ ...(await configureForAzure(azure.options)), retryStrategy: () => null });
    await once(redis, 'ready');
    const closed = once(redis, 'close').then(() => performance.now());
    const busyUntil = performance.now() + 800;
    let lastReply = 0;
    while (performance.now() < busyUntil) {
      await redis.ping();
      lastReply = performance.now();
    }
    expect((await closed) - lastReply).to.be.greaterThan(350);
    await azure.stop();
  });
});
