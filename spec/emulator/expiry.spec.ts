import { expect } from 'chai';
import type { EvictionEntry, LoginEntry } from '../../emulator/index.js';
import { RawCache, SCOPE, tokenOf } from '../support/raw-cache.js';
import type { RawClient } from '../support/raw-client.js';
import { next, past } from '../support/waiting.js';

/** Long enough for what a spec does before it, on a machine that is busy. */
const SHORT = 2_000;

describe('AzureRedisEmulator: expiry', () => {
  const fixture = RawCache.forEach({ tokenLifetime: SHORT });

  /** Logs in again with a token that lives for hours, by which the connection must outlive the first one. */
  async function longToken(): Promise<[oid: string, token: string]> {
    const { oid } = fixture.azure.options.credential;
    return [oid, await fixture.azure.issueToken({ lifetime: 3_600_000 })];
  }

  async function firstExpiry(): Promise<Date> {
    const { expiresOn } = fixture.azure.statistics.logins[0] ?? {};
    if (expiresOn === undefined) throw new Error('nobody has logged in');
    await past(expiresOn);
    return expiresOn;
  }

  async function expectLife(client: RawClient, answer = '+PONG\r\n'): Promise<void> {
    const expiry = await firstExpiry();
    client.command('PING');
    await client.expect(answer);
    expect(Date.now()).to.be.above(expiry.getTime());
    expect(fixture.azure.statistics.evictions).to.deep.equal([]);
  }

  async function expectEviction(client: RawClient): Promise<void> {
    const { expiresOn } = fixture.azure.statistics.logins[0] ?? {};
    await client.ended();
    const [eviction] = fixture.azure.statistics.evictions;
    expect(eviction?.expiresOn).to.deep.equal(expiresOn);
  }

  it('closes a connection when its token expires', async () => {
    const { credential } = fixture.azure.options;
    const { token, expiresOnTimestamp } = await credential.getToken(SCOPE);
    const client = await fixture.connect();
    client.command('AUTH', credential.oid, token);
    await client.expect('+OK\r\n');
    expect(fixture.azure.statistics.open[0]?.expiresOn?.getTime()).to.equal(expiresOnTimestamp);

    const eviction = await next<EvictionEntry>(fixture.azure, 'eviction');

    expect(eviction).to.include({ connection: 1, user: credential.oid });
    expect(eviction.expiresOn.getTime()).to.equal(expiresOnTimestamp);
    expect(eviction.at.getTime()).to.be.within(expiresOnTimestamp, expiresOnTimestamp + SHORT);
    expect(fixture.azure.statistics.open).to.deep.equal([]);
    await client.ended();
    expect(fixture.azure.statistics.evictions).to.deep.equal([eviction]);
  });

  it('closes it even with replies in flight', async () => {
    const client = await fixture.login();
    client.command('BLPOP', 'no such list', '0');
    await expectEviction(client);
    expect(await client.rest()).to.equal('');
  });

  it('closes it at the server as well', async () => {
    const client = await fixture.login();
    client.command('BLPOP', 'list', '0');
    await expectEviction(client);
    await fixture.azure.server.call('RPUSH', 'list', 'not to be taken by the dead');
    expect(await fixture.azure.server.call('LLEN', 'list')).to.equal(1);
  });

  it('leaves a connection without a login open', async () => {
    await fixture.login();
    const client = await fixture.connect();
    await next(fixture.azure, 'eviction');
    client.command('PING');
    await client.expect('-NOAUTH Authentication required.\r\n');
  });

  it('moves with a later login', async () => {
    const client = await fixture.login();
    client.command('AUTH', ...(await longToken()));
    await client.expect('+OK\r\n');
    await expectLife(client);
  });

  it('moves with HELLO', async () => {
    const client = await fixture.login();
    client.command('HELLO', '2', 'AUTH', ...(await longToken()));
    await client.expect('*14\r\n');
    await firstExpiry();
    expect(fixture.azure.statistics.evictions).to.deep.equal([]);
  });

  it('moves to an earlier time as well', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.command('AUTH', ...(await longToken()));
    await client.expect('+OK\r\n');
    client.command('AUTH', credential.oid, await tokenOf(credential));
    await client.expect('+OK\r\n');
    await client.ended();
    expect(fixture.azure.statistics.evictions).to.have.lengthOf(1);
  });

  it('is removed by a login with the access key', async () => {
    const client = await fixture.login();
    client.command('AUTH', fixture.azure.accessKey);
    await client.expect('+OK\r\n');
    await expectLife(client);
  });

  it('stays when a login is rejected', async () => {
    const client = await fixture.login();
    const [oid] = await longToken();
    client.command('AUTH', oid, await fixture.azure.forgeToken({ lifetime: 3_600_000 }));
    expect(await client.line()).to.match(/^-WRONGPASS/);
    await expectEviction(client);
  });

  it('stays when the login is queued in a transaction without EXEC', async () => {
    const client = await fixture.login();
    client.command('MULTI');
    client.command('AUTH', ...(await longToken()));
    await client.expect('+OK\r\n+QUEUED\r\n');
    await expectEviction(client);
  });

  it('stays when the transaction with the login is discarded', async () => {
    const client = await fixture.login();
    client.command('MULTI');
    client.command('AUTH', ...(await longToken()));
    client.command('DISCARD');
    await client.expect('+OK\r\n+QUEUED\r\n+OK\r\n');
    await expectEviction(client);
  });

  it('moves when EXEC runs the login', async () => {
    const client = await fixture.login();
    client.command('MULTI');
    client.command('LRANGE', 'key', '0', '-1');
    client.command('AUTH', ...(await longToken()));
    client.command('EXEC');
    await client.expect('+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*0\r\n+OK\r\n');
    await expectLife(client);
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
    await expectEviction(client);
  });

  it('moves for a RESP2 subscriber that has unsubscribed, between messages', async () => {
    const client = await fixture.login();
    const longer = await longToken();
    const publish = (message: string) => fixture.azure.server.call('PUBLISH', 'news', message);
    client.command('SUBSCRIBE', 'news', 'sports');
    client.command('PSUBSCRIBE', 'n*');
    await client.receive(
      '*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$6\r\nsports\r\n:2\r\n'.length +
        '*3\r\n$10\r\npsubscribe\r\n$2\r\nn*\r\n:3\r\n'.length,
    );
    await publish('hello');
    client.command('PUNSUBSCRIBE');
    client.command('PING');
    client.command('UNSUBSCRIBE');
    client.command('AUTH', ...longer);
    await next(fixture.azure, 'login');
    await publish('to nobody');
    await expectLife(
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
    const login = next<LoginEntry>(fixture.azure, 'login');
    client.command('SUBSCRIBE', 'news', 'sports', 'news');
    client.command('GET', 'nothing');
    client.command('UNSUBSCRIBE');
    client.command('SUBSCRIBE', 'news');
    client.command('PUBLISH', 'news', 'hello');
    client.command('AUTH', ...(await longToken()));
    expect((await login).expiresOn?.getTime()).to.be.above(Date.now() + SHORT);
    await firstExpiry();
    expect(fixture.azure.statistics.evictions).to.deep.equal([]);
  });

  it('moves while MONITOR runs', async () => {
    const client = await fixture.login();
    client.command('MONITOR');
    await client.expect('+OK\r\n');
    await fixture.azure.server.call('SET', 'seen', 'by monitor');
    expect(await client.line()).to.match(/^\+\d+\.\d+ \[0 unix:.*\] "SET" "seen" "by monitor"$/);
    client.command('AUTH', ...(await longToken()));
    await next(fixture.azure, 'login');
    await firstExpiry();
    expect(fixture.azure.statistics.evictions).to.deep.equal([]);
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
    await expectLife(client);
  });

  it('moves with a login behind a blocking command, once it is answered', async () => {
    const client = await fixture.login();
    client.command('BLPOP', 'list', '0');
    client.command('AUTH', ...(await longToken()));
    await fixture.azure.server.call('RPUSH', 'list', 'item');
    await client.expect('*2\r\n$4\r\nlist\r\n$4\r\nitem\r\n+OK\r\n');
    await expectLife(client);
  });
});
