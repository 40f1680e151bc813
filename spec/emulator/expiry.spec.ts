import { expect } from 'chai';
import type { EvictionEntry, OpenConnection } from '../../emulator/index.js';
import { RawCache, SCOPE, tokenOf } from '../support/raw-cache.js';
import type { RawClient } from '../support/raw-client.js';
import { next, until } from '../support/waiting.js';

describe('AzureRedisEmulator: expiry', () => {
  describe('of a token', () => {
    /** Long enough for what a spec does before it, on a machine that is busy. */
    const SHORT = 1_500;
    const fixture = RawCache.forAll({ tokenLifetime: SHORT });

    it('closes the connection, at the client and at the server', async () => {
      const { credential } = fixture.azure.options;
      const { token, expiresOnTimestamp } = await credential.getToken(SCOPE);
      const withoutLogin = await fixture.connect();
      const client = await fixture.connect();
      client.command('AUTH', credential.oid, token);
      client.command('BLPOP', 'list', '0');
      await client.expect('+OK\r\n');
      // A later login may also move it to an earlier time.
      const other = await fixture.connect();
      other.command('AUTH', credential.oid, await fixture.azure.issueToken({ lifetime: 3_600_000 }));
      other.command('AUTH', credential.oid, token);
      await other.expect('+OK\r\n+OK\r\n');

      const eviction = await next<EvictionEntry>(fixture.azure, 'eviction');

      expect(eviction).to.include({ user: credential.oid });
      expect(eviction.expiresOn.getTime()).to.equal(expiresOnTimestamp);
      expect(eviction.at.getTime()).to.be.within(expiresOnTimestamp, expiresOnTimestamp + SHORT);
      expect([await client.rest(), await other.rest()]).to.deep.equal(['', '']);
      expect(fixture.azure.statistics.evictions).to.have.lengthOf(2);
      await fixture.azure.server.call('RPUSH', 'list', 'not to be taken by the dead');
      expect(await fixture.azure.server.call('LLEN', 'list')).to.equal(1);
      withoutLogin.command('PING');
      await withoutLogin.expect('-NOAUTH Authentication required.\r\n');
    });
  });

  describe('of a connection', () => {
    // CLIENT REPLY is blocked in Azure Managed Redis.
    const fixture = RawCache.forEach({ product: 'cache' });

    /** Logs in again with a token that lives longer than the first one. */
    async function longToken(): Promise<[oid: string, token: string]> {
      const { oid } = fixture.azure.options.credential;
      return [oid, await fixture.azure.issueToken({ lifetime: 86_400_000 })];
    }

    function connection(): OpenConnection | undefined {
      return fixture.azure.statistics.open[0];
    }

    /** The connection expires with the long token, and is in step. */
    async function expectMove(client: RawClient, answer = '+PONG\r\n'): Promise<void> {
      client.command('PING');
      await client.expect(answer);
      expect(connection()?.expiresOn?.getTime()).to.be.above(Date.now() + 80_000_000);
    }

    function expectStay(): void {
      expect(connection()?.expiresOn).to.deep.equal(fixture.azure.statistics.logins[0]?.expiresOn);
      expect(connection()?.expiresOn?.getTime()).to.be.below(Date.now() + 3_700_000);
    }

    it('moves with a later login', async () => {
      const client = await fixture.login();
      client.command('AUTH', ...(await longToken()));
      await client.expect('+OK\r\n');
      await expectMove(client);
    });

    it('moves with HELLO', async () => {
      const client = await fixture.login();
      client.command('HELLO', '2', 'AUTH', ...(await longToken()));
      await client.expect('*14\r\n');
      expect(connection()?.expiresOn?.getTime()).to.be.above(Date.now() + 80_000_000);
    });

    it('is removed by a login with the access key', async () => {
      const client = await fixture.login();
      client.command('AUTH', fixture.azure.accessKey);
      await client.expect('+OK\r\n');
      expect(connection()).to.deep.include({ user: 'default', expiresOn: undefined });
    });

    it('stays when a login is rejected', async () => {
      const client = await fixture.login();
      const [oid] = await longToken();
      client.command('AUTH', oid, await fixture.azure.forgeToken({ lifetime: 3_600_000 }));
      expect(await client.line()).to.match(/^-WRONGPASS/);
      expectStay();
    });

    it('stays when the login is queued in a transaction without EXEC', async () => {
      const client = await fixture.login();
      client.command('MULTI');
      client.command('AUTH', ...(await longToken()));
      await client.expect('+OK\r\n+QUEUED\r\n');
      expectStay();
    });

    it('stays when the transaction with the login is discarded', async () => {
      const client = await fixture.login();
      client.command('MULTI');
      client.command('AUTH', ...(await longToken()));
      client.command('DISCARD');
      await client.expect('+OK\r\n+QUEUED\r\n+OK\r\n');
      expectStay();
    });

    it('moves when EXEC runs the login', async () => {
      const client = await fixture.login();
      client.command('MULTI');
      client.command('LRANGE', 'key', '0', '-1');
      client.command('AUTH', ...(await longToken()));
      client.command('EXEC');
      await client.expect('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*0\r\n+OK\r\n');
      await expectMove(client);
    });

    it('counts a login that failed in EXEC as rejected', async () => {
      const client = await fixture.login();
      client.command('MULTI');
      client.command('AUTH', 'nobody', 'nothing');
      client.command('EXEC');
      await client.expect('+OK\r\n+QUEUED\r\n*1\r\n');
      expect(await client.line()).to.match(/^-WRONGPASS/);
      expect(fixture.azure.statistics.refusals).to.have.lengthOf(1);
    });

    it('stays for a RESP2 subscriber, which cannot log in again', async () => {
      const client = await fixture.login();
      client.command('SUBSCRIBE', 'news');
      client.command('AUTH', ...(await longToken()));
      await client.expect('*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n');
      expect(await client.line()).to.match(/^-ERR Can't execute 'auth'/);
      expect(fixture.azure.statistics.refusals).to.deep.equal([]);
      expectStay();
    });

    it('moves for a RESP2 subscriber that has unsubscribed, between messages', async () => {
      const client = await fixture.login();
      const longer = await longToken();
      const publish = (message: string) => fixture.azure.server.call('PUBLISH', 'news', message);
      client.command('SUBSCRIBE', 'news', 'sports');
      client.command('PSUBSCRIBE', 'n*');
      await client.receive(
        '*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$6\r\nsports\r\n:2\r\n'
          .length + '*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:3\r\n'.length,
      );
      await publish('hello');
      client.command('PUNSUBSCRIBE');
      client.command('PING');
      client.command('UNSUBSCRIBE');
      client.command('AUTH', ...longer);
      await next(fixture.azure, 'login');
      await publish('to nobody');
      await expectMove(
        client,
        '*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n' +
          '*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$5\r\nhello\r\n' +
          '*3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:2\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n',
      );
    });

    it('moves for a RESP3 subscriber, between pushes', async () => {
      const client = await fixture.connect();
      const { credential } = fixture.azure.options;
      client.command('HELLO', '3', 'AUTH', credential.oid, await tokenOf(credential));
      await client.expect('%7\r\n');
      client.command('SUBSCRIBE', 'news', 'sports', 'news');
      client.command('GET', 'nothing');
      client.command('UNSUBSCRIBE');
      client.command('SUBSCRIBE', 'news');
      client.command('PUBLISH', 'news', 'hello');
      client.command('AUTH', ...(await longToken()));
      await until(() => fixture.azure.statistics.logins.length === 2);
      expect(connection()?.expiresOn?.getTime()).to.be.above(Date.now() + 80_000_000);
    });

    it('moves while MONITOR runs', async () => {
      const client = await fixture.login();
      client.command('MONITOR');
      await client.expect('+OK\r\n');
      await fixture.azure.server.call('SET', 'seen', 'by monitor');
      expect(await client.line()).to.match(/^\+\d+\.\d+ \[0 unix:.*\] "SET" "seen" "by monitor"$/);
      client.command('AUTH', ...(await longToken()));
      await next(fixture.azure, 'login');
      expect(connection()?.expiresOn?.getTime()).to.be.above(Date.now() + 80_000_000);
    });

    it('moves while CLIENT REPLY suppresses replies', async () => {
      const client = await fixture.login();
      const longer = await longToken();
      client.command('CLIENT', 'REPLY', 'OFF');
      client.command('SET', 'key', 'value');
      client.command('AUTH', ...longer);
      client.command('CLIENT', 'REPLY', 'ON');
      client.command('CLIENT', 'REPLY', 'SKIP');
      client.command('GET', 'key');
      client.command('GET', 'key');
      await client.expect('+OK\r\n$5\r\nvalue\r\n');
      await expectMove(client);
    });

    it('moves with a login behind a blocking command, once it is answered', async () => {
      const client = await fixture.login();
      client.command('BLPOP', 'list', '0');
      client.command('AUTH', ...(await longToken()));
      await fixture.azure.server.call('RPUSH', 'list', 'item');
      await client.expect('*2\r\n$4\r\nlist\r\n$4\r\nitem\r\n+OK\r\n');
      await expectMove(client);
    });
  });
});
