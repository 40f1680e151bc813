import { expect } from 'chai';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import type { RawClient } from '../support/raw-client.js';

describe('AzureRedisEmulator: faults of the cache', () => {
  const fixture = RawCache.forEach();

  async function answerTo(client: RawClient, ...login: string[]): Promise<string> {
    client.command(...login, await tokenOf(fixture.azure.options.credential));
    return client.line();
  }

  it('rejects logins until acceptLogins(), and leaves connections open', async () => {
    const { oid } = fixture.azure.options.credential;
    const client = await fixture.login();

    fixture.azure.refuseLogins();
    const other = await fixture.connect();
    expect(await answerTo(other, 'AUTH', oid)).to.match(/^-WRONGPASS/);
    expect(await answerTo(other, 'HELLO', '3', 'AUTH', oid)).to.match(/^-WRONGPASS/);
    expect(await answerTo(client, 'AUTH', oid)).to.match(/^-WRONGPASS/);
    client.command('PING');
    await client.expect('+PONG\r\n');
    expect(fixture.azure.statistics.refusals.map(({ reason }) => reason)).to.deep.equal(
      Array.from({ length: 3 }, () => 'logins are refused'),
    );

    fixture.azure.acceptLogins();
    expect(await answerTo(other, 'AUTH', oid)).to.equal('+OK');
  });

  it('rejects HELLO until acceptHello(), but accepts AUTH', async () => {
    const { oid } = fixture.azure.options.credential;
    const client = await fixture.connect();

    fixture.azure.refuseHello();
    expect(await answerTo(client, 'HELLO', '3', 'AUTH', oid)).to.match(/^-WRONGPASS/);
    expect(await answerTo(client, 'AUTH', oid)).to.equal('+OK');
    client.command('HELLO', '2');
    expect(await client.line()).to.equal('*14');

    fixture.azure.acceptHello();
    const other = await fixture.connect();
    expect(await answerTo(other, 'HELLO', '3', 'AUTH', oid)).to.equal('%7');
  });

  it('drops every connection at once, and returns their number', async () => {
    const clients = [await fixture.login(), await fixture.login(), await fixture.connect()];
    clients[0]?.command('BLPOP', 'no such list', '0');
    expect(fixture.azure.dropConnections()).to.equal(3);
    for (const client of clients) expect(await client.rest()).to.equal('');
    expect(fixture.azure.dropConnections()).to.equal(0);
    expect(fixture.azure.statistics.evictions).to.deep.equal([]);
    await fixture.login();
  });

  describe('failNextCommand()', () => {
    it('answers one command with an error, in its place, and does not run it', async () => {
      const client = await fixture.login();
      fixture.azure.failNextCommand('READONLY no writes', { command: 'SET' });
      for (const value of ['1', '2']) {
        client.command('SET', 'key', value);
        client.command('GET', 'key');
      }
      await client.expect('-READONLY no writes\r\n$-1\r\n+OK\r\n$1\r\n2\r\n');
    });

    it('waits for the reply to a blocking command before it', async () => {
      const client = await fixture.login();
      fixture.azure.failNextCommand('LOADING', { command: 'PING' });
      client.command('BLPOP', 'list', '0');
      client.command('PING');
      client.command('PING');
      await fixture.azure.server.call('RPUSH', 'list', 'item');
      await client.expect('*2\r\n$4\r\nlist\r\n$4\r\nitem\r\n-LOADING\r\n+PONG\r\n');
    });

    it('may be meant for one connection, and for a login', async () => {
      const [one, other] = [await fixture.login(), await fixture.login()];
      fixture.azure.failNextCommand('ERR not now', { connection: 2 });
      one.command('PING');
      await one.expect('+PONG\r\n');
      expect(await answerTo(other, 'AUTH', fixture.azure.options.credential.oid)).to.equal('-ERR not now');
      other.command('PING');
      await other.expect('+PONG\r\n');
    });
  });

  it('answers READONLY once the server is a replica, on connections that stay open', async () => {
    const client = await fixture.login();
    await fixture.azure.server.call('REPLICAOF', '127.0.0.1', '1');
    client.command('SET', 'key', 'value');
    expect(await client.line()).to.match(/^-READONLY/);
    await fixture.azure.server.call('REPLICAOF', 'NO', 'ONE');
    client.command('SET', 'key', 'value');
    await client.expect('+OK\r\n');
  });
});
