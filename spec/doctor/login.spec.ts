import { expect } from 'chai';
import { RawCache } from '../support/raw-cache.js';
import { DnsServer } from './support/dns-server.js';
import { findingsOf, withoutAuthority } from './support/findings.js';
import { Servers } from './support/tls-servers.js';

describe('diagnose: login', () => {
  withoutAuthority();
  const cache = RawCache.forEach();
  const servers = Servers.forEach();

  function endpoint() {
    const { host, port, tls } = cache.azure.options;
    return { host, port, tls };
  }

  it('logs in by AUTH, by HELLO 2 and by HELLO 3, with the user name', async () => {
    const { credential } = cache.azure.options;
    const findings = await findingsOf(cache.azure.options);
    expect(findings.errors).to.deep.equal([]);
    for (const check of ['auth', 'hello-resp2', 'hello-resp3']) {
      expect(findings.one('login', check).status, check).to.equal('ok');
    }
    expect(findings.one('login', 'auth').data).to.deep.equal({ username: credential.oid });
    const methods = cache.azure.statistics.logins.map(({ method, user }) => `${method} ${user}`);
    expect(methods).to.include(`AUTH ${credential.oid}`).and.include(`HELLO ${credential.oid}`);
  });

  it('names the access policy that an identity lacks', async () => {
    const credential = cache.azure.credential({ role: 'none' });
    const findings = await findingsOf({ ...endpoint(), credential });
    const { status, message, why, remedy, command } = findings.one('login', 'auth');
    expect(status).to.equal('error');
    expect(message).to.include('WRONGPASS');
    expect(why).to.include('has no access policy on this cache');
    expect(remedy).to.include('Enable Entra authentication');
    // Azure does not know the emulator.
    expect(command).to.equal(undefined);
    expect(message + String(remedy)).not.to.match(/\.\.|database show/);
    expect(findings.one('permissions', 'permissions').message).to.equal('The login failed.');
    expect(findings.one('liveness', 'liveness').status).to.equal('skipped');
  });

  it('tells a wrong user name from a missing access policy', async () => {
    const credential = cache.azure.credential();
    const findings = await findingsOf({ ...endpoint(), credential, username: 'my-app' });
    const { why, remedy, command } = findings.one('login', 'auth');
    expect(command).to.equal(undefined);
    expect(why).to.equal(
      `The user name is wrong: as ${credential.oid}, the object id of the identity, the same token logs in.`,
    );
    expect(remedy).to.include('Remove `username`');
  });

  it('tells a wrong user name of an identity without an access policy', async () => {
    const credential = cache.azure.credential({ role: 'none' });
    const { why } = (await findingsOf({ ...endpoint(), credential, username: 'my-app' })).one(
      'login',
      'auth',
    );
    expect(why).to.include('as which the token is refused too');
  });

  it('warns of an endpoint that refuses the login in HELLO, and goes on over RESP2', async () => {
    cache.azure.refuseHello();
    const findings = await findingsOf(cache.azure.options);
    expect(findings.one('login', 'auth').status).to.equal('ok');
    expect(findings.one('login', 'hello-resp3')).to.include({ status: 'warning', severity: 'low' });
    expect(findings.one('liveness', 'reconnect').status).to.equal('ok');
  });

  it('reports a token for another resource as the cause', async () => {
    const credential = cache.azure.credential({ claims: { aud: 'https://management.azure.com' } });
    const findings = await findingsOf({ ...endpoint(), credential });
    expect(findings.one('identity', 'audience')).to.include({
      status: 'error',
      message: 'The token is for https://management.azure.com, not for Azure Redis.',
    });
    expect(findings.one('login', 'auth').message).to.include('WRONGPASS');
  });

  it('connects to what the given DNS servers answer, with the client of ioredis too', async () => {
    const dns = await DnsServer.start({ localhost: { addresses: ['127.0.0.1'] } });
    try {
      const findings = await findingsOf({ ...cache.azure.options, dnsServers: [dns.address] });
      expect(findings.errors).to.deep.equal([]);
      expect(findings.one('liveness', 'reconnect').status).to.equal('ok');
      expect(dns.questions).to.be.greaterThan(5);
    } finally {
      await dns.stop();
    }
  });

  it('logs in with an access key, and warns that keys are enabled', async () => {
    const { accessKey } = cache.azure;
    const findings = await findingsOf({ ...endpoint(), accessKey }, [accessKey]);
    expect(findings.one('login', 'auth').status).to.equal('ok');
    expect(findings.one('posture', 'access-keys')).to.include({ status: 'warning', severity: 'high' });
    expect(findings.one('liveness', 'refresh').status).to.equal('skipped');
    expect(findings.of('identity')).to.have.length(1);
  });

  it('reports an access key that is wrong', async () => {
    const accessKey = 'an-access-key-that-was-regenerated';
    const { why } = (await findingsOf({ ...endpoint(), accessKey }, [accessKey])).one('login', 'auth');
    expect(why).to.equal('The key is wrong or has been regenerated, or access keys are disabled.');
  });

  it('reports an `accessKey` function that fails, and no other identity', async () => {
    const secret = cache.azure.accessKey;
    const accessKey = () => Promise.reject(new Error(`vault: ${secret}`));
    const { message, remedy } = (await findingsOf({ ...endpoint(), accessKey }, [secret])).one(
      'identity',
      'credential',
    );
    expect(message).to.equal(
      'The option `accessKey` returned no key: The `accessKey` function failed: vault: <hidden>.',
    );
    expect(remedy).to.include('primary or secondary key');
  });

  it('does not quote the password, as a server does that does not know the command', async () => {
    const accessKey = 'an-access-key-that-is-quoted';
    const port = await servers.tcp((socket) => {
      socket.on('data', (command: Buffer) => {
        const [name = '', ...args] = command
          .toString()
          .split('\r\n')
          .filter((_, index) => index > 0 && index % 2 === 0);
        const quoted = args.map((argument) => `'${argument}'`).join(' ');
        socket.write(`-ERR unknown command '${name}', with args beginning with: ${quoted}\r\n`);
      });
    });
    const findings = await findingsOf({ host: '127.0.0.1', port, tls: false, accessKey }, [accessKey]);
    expect(findings.one('login', 'auth').message).to.equal(
      "AUTH as default failed: ERR unknown command 'AUTH'.",
    );
    expect(findings.one('login', 'auth').remedy).to.include('older than Redis 6');
  });
});
