import { expect } from 'chai';
import { inspect } from 'node:util';
import { connect } from 'node:tls';
import { AzureRedisEmulator, RedisReplyError } from '../../emulator/index.js';
import type { ConnectionEntry, LoginEntry } from '../../emulator/index.js';
import { RawCache, SCOPE, tokenOf } from '../support/raw-cache.js';
import { RawClient } from '../support/raw-client.js';
import { next } from '../support/waiting.js';

describe('AzureRedisEmulator', () => {
  const fixture = RawCache.forEach();

  it('has a host, a port and a certificate authority', async () => {
    const { host, port, ca, options } = fixture.azure;
    expect(options).to.include({ host: 'localhost', port });
    expect([host, options.tls]).to.deep.equal(['localhost', { ca }]);
    for (const name of ['localhost', '127.0.0.1']) {
      const client = await RawClient.connect({ host: name, port, ca });
      client.destroy();
    }
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'my-cache.redis.azure.net' });
    expect(await next(socket, 'error')).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is not trusted without its certificate authority', async () => {
    const socket = connect({ host: 'localhost', port: fixture.azure.port });
    expect(await next(socket, 'error')).to.have.property('code', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  it('rejects TLS below 1.2', async () => {
    const { port, ca } = fixture.azure;
    const socket = connect({
      host: 'localhost',
      port,
      ca,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    expect(await next(socket, 'error'))
      .to.have.property('code')
      .that.contains('ALERT_PROTOCOL_VERSION');
  });

  it('provides a client of the server that bypasses the endpoint', async () => {
    const { server } = fixture.azure;
    expect(await server.call('INCRBY', 'counter', 5)).to.equal(5);
    expect(await server.call('GET', 'counter')).to.equal('5');
    expect(await server.call('GET', 'nothing')).to.equal(null);
    expect(await server.call('EVAL', "return {1, 'two', {false, {}}, {err='no'}}", 0)).to.deep.equal([
      1,
      'two',
      [null, []],
      'no',
    ]);
    try {
      await server.call('INCR', 'a', 'b');
      expect.fail();
    } catch (error) {
      expect(error).to.be.instanceOf(RedisReplyError).with.property('message').that.contains('wrong number');
    }
  });

  describe('its statistics', () => {
    it('record events with their times', async () => {
      const { azure } = fixture;
      const { credential } = azure.options;
      const start = Date.now();
      const client = await fixture.login();
      client.command('AUTH', credential.oid, 'wrong');
      await client.line();

      const { connections, logins, refusals, evictions, tokenRequests, tokensIssued } = azure.statistics;
      const times = [connections, logins, refusals, tokenRequests, tokensIssued].map((entries) => {
        expect(entries).to.have.lengthOf(1);
        return entries[0]?.at.getTime() ?? 0;
      });
      for (const time of times) expect(time).to.be.within(start, Date.now());
      expect(evictions).to.deep.equal([]);
      expect(connections[0]).to.include({ connection: 1 });
      expect(logins[0]).to.include({ connection: 1, user: credential.oid, method: 'AUTH' });
      expect(logins[0]?.expiresOn).to.deep.equal(tokensIssued[0]?.expiresOn);
      expect(refusals[0]).to.include({ connection: 1, user: credential.oid, method: 'AUTH' });
      expect(tokensIssued[0]).to.include({ oid: credential.oid });
    });

    it('are a snapshot', async () => {
      const { statistics } = fixture.azure;
      await fixture.login();
      expect(statistics).to.deep.equal({
        connections: [],
        logins: [],
        refusals: [],
        evictions: [],
        tokenRequests: [],
        tokensIssued: [],
        open: [],
      });
    });

    it('describe each open connection', async () => {
      const { azure } = fixture;
      const client = await fixture.login();
      client.command('CLIENT', 'SETNAME', 'me');
      client.command('client', 'setinfo', 'lib-name', 'ioredis(ioredis-azure)');
      await client.expect('+OK\r\n');
      // redis-server before 7.2 does not know SETINFO.
      expect(await client.line()).to.match(/^[+-]/);

      const { open, logins } = azure.statistics;
      expect(open).to.have.lengthOf(1);
      expect(open[0]).to.include({
        id: 1,
        user: azure.options.credential.oid,
        protocol: 2,
        libraryName: 'ioredis(ioredis-azure)',
        name: 'me',
      });
      expect(open[0]?.expiresOn).to.deep.equal(logins[0]?.expiresOn);

      client.command('HELLO', '2', 'SETNAME', 'another');
      expect(await client.line()).to.equal('*14');
      expect(azure.statistics.open[0]).to.include({ name: 'another' });

      const closed = next<ConnectionEntry>(azure, 'close');
      client.destroy();
      expect(await closed).to.include({ connection: 1 });
      expect(azure.statistics.open).to.deep.equal([]);
    });
  });

  it('emits an event for each entry of its statistics', async () => {
    const { azure } = fixture;
    const events: string[] = [];
    for (const name of [
      'connection',
      'login',
      'refusal',
      'eviction',
      'close',
      'tokenRequest',
      'token',
    ] as const) {
      azure.on(name, (entry: { readonly at: Date }) => {
        expect(entry.at).to.be.instanceOf(Date);
        events.push(name);
      });
    }
    const { credential } = azure.options;
    const { token } = await azure.credential({ oid: credential.oid, tokenLifetime: 500 }).getToken(SCOPE);
    const client = await fixture.connect();
    client.command('AUTH', credential.oid, 'wrong');
    client.command('AUTH', credential.oid, token);
    await next(azure, 'close');
    expect(events).to.deep.equal([
      'tokenRequest',
      'token',
      'connection',
      'refusal',
      'login',
      'eviction',
      'close',
    ]);
  });

  it('shows no token and no key', async () => {
    const { azure } = fixture;
    const { credential, ...rest } = azure.options;
    const secrets = [azure.accessKey, await tokenOf(credential), await azure.issueToken({ lifetime: -1 })];
    const client = await fixture.connect();
    const seen: unknown[] = [];
    for (const name of ['login', 'refusal', 'token'] as const)
      azure.on(name, (entry: object) => seen.push(entry));
    for (const secret of secrets) {
      client.command('AUTH', secret);
      client.command('AUTH', credential.oid, secret);
      // In the place of the user name, by mistake.
      client.command('AUTH', secret, credential.oid);
      client.command('HELLO', '2', 'AUTH', secret, secret);
    }
    for (let answers = 12; answers > 0; answers--) {
      const line = await client.line();
      if (line.startsWith('*')) answers++;
      seen.push(line);
    }

    seen.push(azure, azure.statistics, azure.server, credential, rest);
    const text =
      inspect(seen, { showHidden: true, depth: null, maxStringLength: null }) + JSON.stringify(seen);
    for (const secret of secrets) expect(text).to.not.contain(secret);
    expect(azure.statistics.refusals).to.have.lengthOf.at.least(8);
  });

  describe('when it is stopped', () => {
    it('closes every connection', async () => {
      const client = await fixture.login();
      const idle = await fixture.connect();
      await fixture.azure.stop();
      await Promise.all([client.ended(), idle.ended()]);
      expect(fixture.azure.statistics.open).to.deep.equal([]);
    });

    it('closes a connection during its handshake', async () => {
      const half = await RawClient.connect({ host: 'localhost', port: fixture.azure.port });
      await fixture.azure.stop();
      expect(await half.rest()).to.equal('');
      half.destroy();
    });

    it('may be stopped repeatedly', async () => {
      const { azure } = fixture;
      expect(azure.stop()).to.equal(azure.stop());
      await azure[Symbol.asyncDispose]();
    });

    it('ends even if the server does not answer', async () => {
      await fixture.azure.server.call('CLIENT', 'PAUSE', 60_000);
      await fixture.azure.stop();
    });

    it('rejects further calls', async () => {
      await fixture.azure.stop();
      const outcome = await fixture.azure.server.call('PING').catch((error: unknown) => error);
      expect(outcome).to.be.an('error');
    });
  });

  it('runs several times in one process', async () => {
    const other = await AzureRedisEmulator.start();
    try {
      await other.server.call('SET', 'key', 'other');
      expect(await fixture.azure.server.call('GET', 'key')).to.equal(null);
      const { credential } = fixture.azure.options;
      const client = await RawClient.connect(other);
      const refusal = next<LoginEntry>(other, 'refusal');
      client.command('AUTH', credential.oid, await tokenOf(credential));
      expect(await refusal).to.include({ reason: 'the token is of another issuer' });
      client.destroy();
    } finally {
      await other.stop();
    }
  });
});
