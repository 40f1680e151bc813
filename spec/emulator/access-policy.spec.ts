import { expect } from 'chai';
import { RawCache, tokenOf } from '../support/raw-cache.js';
import { rejection } from '../support/rejection.js';

type BuiltInRole = 'Data Owner' | 'Data Contributor' | 'Data Reader';

describe('AzureRedisEmulator: access policies', () => {
  const fixture = RawCache.forAll();

  /** What each role is answered, as far as it is an error. */
  const answers: Readonly<Record<BuiltInRole, Readonly<Record<string, RegExp>>>> = {
    'Data Owner': {
      'GET key': /^\$/,
      'SET key value': /^\+OK/,
      'KEYS no*': /^\*/,
      'CONFIG GET maxmemory': /^-ERR unknown command/,
      'CLUSTER INFO': /^-ERR This instance has cluster support disabled/,
    },
    'Data Contributor': {
      'GET key': /^\$/,
      'SET key value': /^\+OK/,
      'KEYS *': /^-NOPERM/,
      FLUSHALL: /^-NOPERM/,
      'CONFIG GET maxmemory': /^-ERR unknown command/,
      'CLUSTER INFO': /^-ERR This instance has cluster support disabled/,
      'CLUSTER RESET': /^-ERR unknown command/,
      'PUBLISH channel message': /^:0/,
    },
    'Data Reader': {
      'GET key': /^\$/,
      'SET key value': /^-NOPERM/,
      'CLIENT GETNAME': /^\$/,
      'CLUSTER INFO': /^-ERR This instance has cluster support disabled/,
      'CLUSTER NODES': /^-ERR This instance has cluster support disabled/,
    },
  };

  for (const role of ['Data Owner', 'Data Contributor', 'Data Reader'] as const) {
    it(`permits a ${role} what its role permits, and nothing else`, async () => {
      for (const [command, answer] of Object.entries(answers[role])) {
        const client = await fixture.login(fixture.azure.credential({ role }));
        client.send(`${command}\r\n`);
        expect(await client.line(), command).to.match(answer);
        client.destroy();
      }
    });
  }

  it('permits what an access string permits, and nothing else', async () => {
    const client = await fixture.login(fixture.azure.credential({ role: '+@read ~app:*' }));
    const expected = {
      'GET app:1': /^\$-1/,
      'GET key': /^-NOPERM/,
      'SET app:1 x': /^-NOPERM/,
      PING: /^-NOPERM/,
    };
    for (const [command, answer] of Object.entries(expected)) {
      client.send(`${command}\r\n`);
      expect(await client.line(), command).to.match(answer);
    }
    const subscriber = await fixture.login(fixture.azure.credential({ role: '+@all -ping ~* &news' }));
    subscriber.send('PING\r\nSUBSCRIBE sports\r\n');
    expect([await subscriber.line(), await subscriber.line()].join()).to.match(/^-NOPERM.*,-NOPERM/);
  });

  it('says why it does not accept an access string, and leaves the role as it was', async () => {
    const credential = fixture.azure.credential({ role: 'default' });
    const error = await rejection(fixture.azure.assignRole(credential.oid, '+@reed ~*'));
    expect(error).to.include({ code: 'INVALID_OPTION' });
    expect(error.message).to.include("'+@reed'");
    const client = await fixture.login(credential);
    client.command('SET', 'key', 'value');
    await client.expect('+OK\r\n');

    const other = fixture.azure.credential({ role: '+@reed ~*' });
    client.command('AUTH', other.oid, await tokenOf(other));
    expect(await client.line()).to.match(/^-WRONGPASS/);
    expect(fixture.azure.statistics.refusals.at(-1)?.reason).to.include("'+@reed'");
  });

  it('assigns another role to an identity, including its open connections', async () => {
    const credential = fixture.azure.credential({ role: 'Data Reader' });
    const client = await fixture.login(credential);
    await fixture.azure.assignRole(credential.oid, 'Data Contributor');
    client.command('SET', 'key', 'value');
    await client.expect('+OK\r\n');
  });

  it('assigns a role to an identity without access', async () => {
    const credential = fixture.azure.credential({ role: 'none' });
    const client = await fixture.connect();
    client.command('AUTH', credential.oid, await tokenOf(credential));
    expect(await client.line()).to.match(/^-WRONGPASS/);
    await fixture.azure.assignRole(credential.oid, 'Data Owner');
    client.command('AUTH', credential.oid, await tokenOf(credential));
    await client.expect('+OK\r\n');
  });

  it('removes access: connections are closed and logins rejected, until it is assigned again', async () => {
    const credential = fixture.azure.credential();
    const client = await fixture.login(credential);
    await fixture.azure.removeAccess(credential.oid);
    await client.ended();

    const other = await fixture.connect();
    other.command('AUTH', credential.oid, await tokenOf(credential));
    expect(await other.line()).to.match(/^-WRONGPASS/);
    await fixture.azure.assignRole(credential.oid, 'Data Owner');
    other.command('AUTH', credential.oid, await tokenOf(credential));
    await other.expect('+OK\r\n');
  });

  it('accepts a given oid, if it is a valid user name', async () => {
    const client = await fixture.login(fixture.azure.credential({ oid: 'anna' }));
    client.command('ACL', 'WHOAMI');
    await client.expect('$4\r\nanna\r\n');
    for (const oid of ['', 'a b', 'default']) {
      expect(() => fixture.azure.credential({ oid })).to.throw('`oid` must be a string without spaces');
      expect(await rejection(fixture.azure.assignRole(oid, 'Data Owner'))).to.include({
        code: 'INVALID_OPTION',
      });
    }
  });
});
