import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import type { RawClient } from '../support/raw-client.js';
import { next } from '../support/waiting.js';

const WRONGPASS = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
const NOAUTH = '-NOAUTH Authentication required.\r\n';

describe('AzureRedisEmulator: logins', () => {
  const fixture = RawCache.forAll();

  async function expectRefusal(client: RawClient, reason: string): Promise<void> {
    const { refusals } = fixture.azure.statistics;
    expect(await client.line()).to.equal(WRONGPASS.trimEnd());
    const [refusal, ...more] = fixture.azure.statistics.refusals.slice(refusals.length);
    expect(more).to.deep.equal([]);
    expect(refusal?.reason).to.equal(reason);
  }

  it('rejects commands before a login', async () => {
    const client = await fixture.connect();
    client.command('GET', 'key');
    await client.expect(NOAUTH);
    client.command('HELLO', '3');
    expect(await client.line()).to.match(
      /^-NOAUTH HELLO must be called with the client already authenticated/,
    );
  });

  it('accepts AUTH with a token', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.login(credential);
    client.command('ACL', 'WHOAMI');
    await client.expect(`$36\r\n${credential.oid}\r\n`);
  });

  it('accepts HELLO with a token, in RESP3', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.command('HELLO', '3', 'AUTH', credential.oid, await tokenOf(credential), 'SETNAME', 'me');
    await client.expect('%7\r\n');
    const [connection] = fixture.azure.statistics.open.filter(({ name }) => name === 'me');
    expect(connection).to.include({ user: credential.oid, protocol: 3 });
  });

  it('accepts HELLO with a token, in RESP2', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.command('HELLO', '2', 'SETNAME', 'resp2', 'AUTH', credential.oid, await tokenOf(credential));
    await client.expect('*14\r\n');
    const [connection] = fixture.azure.statistics.open.filter(({ name }) => name === 'resp2');
    expect(connection).to.include({ user: credential.oid, protocol: 2 });
  });

  it('accepts a login in any letter case', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.command('auTH', credential.oid, await tokenOf(credential));
    await client.expect('+OK\r\n');
    client.command('Hello', '3', 'aUth', credential.oid, await tokenOf(credential));
    await client.expect('%7\r\n');
  });

  it('accepts a login as an inline command, quoted or not', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.send(`AUTH ${credential.oid} ${await tokenOf(credential)}\r\n`);
    await client.expect('+OK\r\n');
    client.send(`  auth '${credential.oid}'   "${await tokenOf(credential)}"\n`);
    await client.expect('+OK\r\n');
  });

  it('answers commands pipelined around a login in order', async () => {
    const { credential } = fixture.azure.options;
    const client = await fixture.connect();
    client.command('PING', 'before');
    client.command('AUTH', credential.oid, await tokenOf(credential));
    client.command('PING', 'between');
    client.command('AUTH', credential.oid, 'no token');
    client.command('AUTH', 'too', 'many', 'arguments');
    client.command('AUTH');
    client.command('PING', 'after');
    await client.expect(
      `${NOAUTH}+OK\r\n$7\r\nbetween\r\n${WRONGPASS}-ERR syntax error\r\n` +
        "-ERR wrong number of arguments for 'auth' command\r\n$5\r\nafter\r\n",
    );
  });

  it('logs out with RESET', async () => {
    const client = await fixture.login();
    client.command('RESET');
    client.command('GET', 'key');
    await client.expect(`+RESET\r\n${NOAUTH}`);
  });

  it('stays logged in when a later login is rejected', async () => {
    const client = await fixture.login();
    client.command('AUTH', fixture.azure.options.credential.oid, 'no token');
    client.command('PING');
    await client.expect(`${WRONGPASS}+PONG\r\n`);
  });

  describe('rejects a login', () => {
    it('with an expired token', async () => {
      const client = await fixture.connect();
      const token = await fixture.azure.issueToken({ lifetime: -1 });
      client.command('AUTH', fixture.azure.options.credential.oid, token);
      await expectRefusal(client, 'the token has expired');
    });

    it('with a token that is not signed by this Entra', async () => {
      const client = await fixture.connect();
      const token = await fixture.azure.forgeToken();
      client.command('AUTH', fixture.azure.options.credential.oid, token);
      await expectRefusal(client, 'the token is not signed by this Entra');
    });

    it('with a modified token', async () => {
      const client = await fixture.connect();
      const [header, , signature] = (await fixture.azure.issueToken()).split('.');
      const [, claims] = (await fixture.azure.issueToken({ lifetime: 1e9 })).split('.');
      const token = [header, claims, signature].join('.');
      client.command('AUTH', fixture.azure.options.credential.oid, token);
      await expectRefusal(client, 'the token is not signed by this Entra');
    });

    it('with an unsigned token', async () => {
      const client = await fixture.connect();
      const [, claims] = (await fixture.azure.issueToken()).split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
      client.command('AUTH', fixture.azure.options.credential.oid, `${header}.${claims ?? ''}.`);
      await expectRefusal(client, 'the password is not a valid token');
    });

    for (const [what, claims, reason] of [
      ['another audience', { aud: 'https://graph.microsoft.com' }, 'the token is for another audience'],
      ['another issuer', { iss: 'https://sts.windows.net/x/' }, 'the token is of another issuer'],
      ['no oid', { oid: undefined }, 'the token has no oid'],
      ['no expiry', { exp: undefined }, 'the token has no expiry'],
      ['a beginning that is still to come', { nbf: 1e11 }, 'the token is not valid yet'],
    ] as const) {
      it(`with a token with ${what}`, async () => {
        const client = await fixture.connect();
        client.command(
          'AUTH',
          fixture.azure.options.credential.oid,
          await fixture.azure.issueToken({ claims }),
        );
        await expectRefusal(client, reason);
      });
    }

    it('with a token for another scope', async () => {
      const { credential } = fixture.azure.options;
      const { token } = await credential.getToken(['https://management.azure.com/.default']);
      const client = await fixture.connect();
      client.command('AUTH', credential.oid, token);
      await expectRefusal(client, 'the token is for another audience');
    });

    it('with a token of another identity', async () => {
      const client = await fixture.connect();
      const token = await tokenOf(fixture.azure.credential());
      client.command('AUTH', fixture.azure.options.credential.oid, token);
      await expectRefusal(client, 'the user name is not the oid of the token');
    });

    it('of an identity without an access policy', async () => {
      const credential = fixture.azure.credential({ role: 'none' });
      const client = await fixture.connect();
      client.command('AUTH', credential.oid, await tokenOf(credential));
      await expectRefusal(client, 'the identity has no access policy on this cache');
    });

    it('without a token', async () => {
      const client = await fixture.connect();
      client.command('AUTH', randomUUID(), 'secret');
      await expectRefusal(client, 'the password is not a valid token');
    });

    it('in a HELLO with an unknown option, which redis-server may accept and answer with an error', async () => {
      const { credential } = fixture.azure.options;
      const token = await tokenOf(credential);
      for (const more of [['SETNAME', 'a b'], ['SETNAME'], ['BOGUS']]) {
        const client = await fixture.connect();
        client.command('HELLO', '3', 'AUTH', credential.oid, token, ...more);
        expect(await client.line()).to.match(/^-/);
        client.command('GET', 'key');
        await client.expect(NOAUTH);
      }
    });

    it('as an inline command, or in HELLO', async () => {
      const client = await fixture.connect();
      client.send('AUTH user token\r\n');
      await client.expect(WRONGPASS);
      client.send('HELLO 3 AUTH user token\r\n');
      await client.expect(WRONGPASS);
    });
  });

  it('counts no rejection for an unsupported protocol', async () => {
    const { credential } = fixture.azure.options;
    const { refusals } = fixture.azure.statistics;
    const client = await fixture.connect();
    client.command('HELLO', '4', 'AUTH', credential.oid, await tokenOf(credential));
    await client.expect('-NOPROTO unsupported protocol version\r\n');
    expect(fixture.azure.statistics.refusals).to.deep.equal(refusals);
  });

  describe('with the access key', () => {
    for (const login of [['AUTH'], ['AUTH', 'default'], ['HELLO', '2', 'AUTH', 'default']]) {
      it(`accepts ${login.join(' ')}, without an expiry`, async () => {
        const client = await fixture.connect();
        const entry = next(fixture.azure, 'login');
        client.command(...login, fixture.azure.accessKey);
        expect(await entry).to.include({ user: 'default', expiresOn: undefined });
        await client.expect(login[0] === 'AUTH' ? '+OK\r\n' : '*14\r\n');
      });
    }

    it('rejects any other key', async () => {
      const client = await fixture.connect();
      client.command('AUTH', 'guessed');
      await expectRefusal(client, 'the access key is wrong');
    });

    it('rejects the old key once it has been replaced, and leaves its connections open', async () => {
      const { accessKey } = fixture.azure;
      const client = await fixture.connect();
      client.command('AUTH', accessKey);
      await client.expect('+OK\r\n');

      fixture.azure.regenerateAccessKey();

      const other = await fixture.connect();
      other.command('AUTH', accessKey);
      await expectRefusal(other, 'the access key is wrong');
      other.command('AUTH', fixture.azure.accessKey);
      await other.expect('+OK\r\n');
      client.command('PING');
      await client.expect('+PONG\r\n');
    });
  });
});
