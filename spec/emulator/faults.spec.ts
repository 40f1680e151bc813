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
});
