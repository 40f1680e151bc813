import { expect } from 'chai';
import { rootCertificates } from 'node:tls';
import { SentinelConnector } from 'ioredis';
import { configureForAzure } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { credential, HOST, untyped } from './support/options.js';

describe('configureForAzure()', () => {
  it("resolves to plain ioredis options with the token's user name, TLS and Azure's port", async () => {
    const options = await configureForAzure({
      host: HOST,
      credential: credential(),
      db: 0,
      keyPrefix: 'shop:',
    });
    expect(options).to.have.all.keys(
      'host',
      'port',
      'tls',
      'username',
      'password',
      'Connector',
      'clientInfoTag',
      'authenticator',
      'db',
      'keyPrefix',
    );
    expect(options).to.include({ host: HOST, port: 10000, username: 'me', keyPrefix: 'shop:' });
    expect(options.tls).to.deep.equal({ minVersion: 'TLSv1.2', servername: HOST, rejectUnauthorized: true });
  });

  const PORTS: readonly (readonly [suffix: string, port: number])[] = [
    ['.redis.cache.windows.net', 6380],
    ['.redis.cache.usgovcloudapi.net', 6380],
    ['.redis.cache.chinacloudapi.cn', 6380],
    ['.westeurope.redis.azure.net', 10000],
    ['.usgovvirginia.redis.usgovcloudapi.net', 10000],
    ['.chinanorth3.redis.chinacloudapi.cn', 10000],
    ['.westeurope.redisenterprise.cache.azure.net', 10000],
  ];
  for (const [suffix, port] of PORTS) {
    it(`connects to hosts with the suffix ${suffix} on port ${port}`, async () => {
      const options = await configureForAzure({ host: `My-Cache${suffix}`, credential: credential() });
      expect(options.port).to.equal(port);
    });
  }

  it('keeps the options of the caller', async () => {
    const OwnConnector = SentinelConnector;
    const [ca] = rootCertificates;
    const options = await configureForAzure({
      ...untyped({ host: HOST, credential: credential(), port: 7000, Connector: OwnConnector }),
      tls: { servername: 'cache.internal', ca },
    });
    expect(options.port).to.equal(7000);
    expect(options.Connector).to.equal(OwnConnector);
    expect(options.tls).to.include({ servername: 'cache.internal', ca });
  });

  it('accepts a user name as a string or as a function of the claims', async () => {
    const text = await configureForAzure({ host: HOST, credential: credential(), username: 'alias' });
    expect(text.username).to.equal('alias');
    const claim = await configureForAzure({
      host: HOST,
      credential: credential(),
      username: ({ oid }) => `${String(oid)}@tenant`,
    });
    expect(claim.username).to.equal('me@tenant');
  });

  it('requests the scope of Azure Redis, or the given one', async () => {
    const scopes: unknown[] = [];
    const noting = credential({
      getToken: (scope) => {
        scopes.push(scope);
        return credential().getToken(scope);
      },
    });
    await configureForAzure({ host: HOST, credential: noting });
    await configureForAzure({ host: HOST, credential: noting, scope: 'api://other/.default' });
    expect(scopes).to.deep.equal(['https://redis.azure.com/.default', 'api://other/.default']);
  });

  it('makes one token request for all caches that share an authenticator, and for simultaneous refreshes', async () => {
    let requests = 0;
    const counting = credential({
      getToken: (scope) => {
        requests += 1;
        return credential().getToken(scope);
      },
    });
    const { authenticator } = await configureForAzure({ host: HOST, credential: counting });
    await configureForAzure({ host: 'other.westeurope.redis.azure.net', authenticator });
    await Promise.all([authenticator.refresh(), authenticator.refresh()]);
    expect(requests).to.equal(2);
  });

  it('permits plain TCP to a loopback address', async () => {
    for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '::1']) {
      const options = await configureForAzure({ host, port: 6379, tls: false, credential: credential() });
      expect(options).to.have.property('tls', false);
    }
  });

  it('rejects with the error of the identity library when no first token is acquired', async () => {
    const failing = credential({ getToken: () => Promise.reject(new Error('the network is down')) });
    const error = await rejection(
      configureForAzure({ host: HOST, credential: failing, retry: { retries: 0 } }),
    );
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    expect(error.message).to.contain('the network is down');
    expect(error.cause).to.have.property('message', 'the network is down');
  });
});
