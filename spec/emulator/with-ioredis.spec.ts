import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { EvictionEntry, LoginEntry } from '../../emulator/index.js';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next } from '../support/waiting.js';

for (const { name, Redis: Client, protocol } of VARIANTS) {
  describe(`AzureRedisEmulator with ${name}`, () => {
    const fixture = RawCache.forEach({ tokenLifetime: 3_000 });
    const clients: Redis[] = [];

    afterEach(() => {
      for (const client of clients.splice(0)) client.disconnect();
    });

    async function connect(lifetime = 60_000): Promise<Redis> {
      const { host, port, tls, credential } = fixture.azure.options;
      const password = await fixture.azure.issueToken({ lifetime });
      const client = new Client({
        host,
        port,
        tls,
        username: credential.oid,
        password,
        protocol,
        retryStrategy: () => null,
      });
      client.on('error', () => undefined);
      clients.push(client);
      await next(client, 'ready');
      return client;
    }

    it('runs commands, pipelines, transactions and scripts', async () => {
      const redis = await connect();
      expect(await redis.set('key', 'väl\r\nue')).to.equal('OK');
      expect(await redis.get('key')).to.equal('väl\r\nue');
      expect(await redis.multi().incr('counter').lpush('key', 'x').exec())
        .to.have.nested.property('[1][0].message')
        .that.matches(/^WRONGTYPE/);
      expect(
        await redis.pipeline().incr('counter').hset('hash', 'field', 1).hgetall('hash').exec(),
      ).to.deep.equal([
        [null, 2],
        [null, 1],
        [null, { field: '1' }],
      ]);
      expect(await redis.eval('return {1, redis.call("GET", KEYS[1])}', 1, 'counter')).to.deep.equal([
        1,
        '2',
      ]);
      const [connection] = fixture.azure.statistics.open;
      expect(connection).to.include({ protocol, user: fixture.azure.options.credential.oid });
    });

    it('delivers messages, together with replies where the protocol permits it', async () => {
      const [subscriber, publisher] = [await connect(), await connect()];
      const messages: string[] = [];
      subscriber.on('message', (_channel: string, message: string) => messages.push(message));
      expect(await subscriber.subscribe('news', 'sports')).to.equal(2);
      for (let index = 0; index < 100; index++) await publisher.publish('news', String(index));
      if (protocol === 3) expect(await subscriber.ping()).to.equal('PONG');
      expect(await subscriber.unsubscribe()).to.equal(0);
      expect(messages).to.deep.equal(Array.from({ length: 100 }, (_, index) => String(index)));
      expect(await subscriber.get('nothing')).to.equal(null);
    });

    it('closes the connection when the token expires', async () => {
      const redis = await connect(1_000);
      const pending = redis.blpop('no such list', 0).catch((error: unknown) => error);
      const eviction = await next<EvictionEntry>(fixture.azure, 'eviction');
      expect(eviction).to.include({ connection: 1 });
      expect(await pending).to.be.an('error');
      expect(redis.status).to.not.equal('ready');
    });

    it('keeps a connection that is re-authenticated under load, with every reply in order', async () => {
      const redis = await connect(2_000);
      let counted = 0;
      let done = false;
      const load = Array.from({ length: 32 }, async () => {
        while (!done) {
          await redis.incr('counter');
          counted++;
        }
      });
      const { oid } = fixture.azure.options.credential;
      const [first] = fixture.azure.statistics.logins;
      while (Date.now() < (first?.expiresOn?.getTime() ?? Infinity) + 100) {
        const login = next<LoginEntry>(fixture.azure, 'login');
        expect(await redis.auth(oid, await tokenOf(fixture.azure.options.credential))).to.equal('OK');
        await login;
      }
      done = true;
      await Promise.all(load);
      expect(await fixture.azure.server.call('GET', 'counter')).to.equal(String(counted));
      const { connections, evictions } = fixture.azure.statistics;
      expect([connections.length, evictions.length]).to.deep.equal([1, 0]);
    });

    it('rejects a login', async () => {
      const { host, port, tls } = fixture.azure.options;
      const client = new Client({
        host,
        port,
        tls,
        username: 'nobody',
        password: 'x',
        protocol,
        retryStrategy: () => null,
      });
      clients.push(client);
      client.on('error', () => undefined);
      const error = await next<Error>(client, 'error');
      expect(error.message).to.match(/^WRONGPASS/);
    });
  });
}
