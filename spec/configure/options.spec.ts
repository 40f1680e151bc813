import type { TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import { SentinelConnector } from 'ioredis';
import { AzureRedisError, configureForAzure, type ConfigureForAzureOptions } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { unsignedJwt } from '../support/jwt.js';

const HOST = 'my-cache.westeurope.redis.azure.net';

function credential(more: Partial<TokenCredential> = {}): TokenCredential {
  return {
    getToken: () =>
      Promise.resolve({ token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp: Date.now() + 3_600_000 }),
    ...more,
  };
}

/** What JavaScript, which knows no types, may pass. */
function untyped(options: Record<string, unknown>): ConfigureForAzureOptions {
  return options;
}

describe('configureForAzure()', () => {
  it("gives plain ioredis options with the token's user name, TLS and Azure's port", async () => {
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
    it(`knows that ${suffix} is served on port ${port}`, async () => {
      const options = await configureForAzure({ host: `My-Cache${suffix}`, credential: credential() });
      expect(options.port).to.equal(port);
    });
  }

  it('keeps what the caller set', async () => {
    const OwnConnector = SentinelConnector;
    const options = await configureForAzure({
      ...untyped({ host: HOST, credential: credential(), port: 7000, Connector: OwnConnector }),
      tls: { servername: 'cache.internal', ca: 'an authority of our own' },
    });
    expect(options.port).to.equal(7000);
    expect(options.Connector).to.equal(OwnConnector);
    expect(options.tls).to.include({ servername: 'cache.internal', ca: 'an authority of our own' });
  });

  it('takes a user name as text, or from the claims', async () => {
    const text = await configureForAzure({ host: HOST, credential: credential(), username: 'alias' });
    expect(text.username).to.equal('alias');
    const claim = await configureForAzure({
      host: HOST,
      credential: credential(),
      username: ({ oid }) => `${String(oid)}@tenant`,
    });
    expect(claim.username).to.equal('me@tenant');
  });

  it('asks for the scope of Azure Redis, or for the given one', async () => {
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

  it('never asks twice for one token', async () => {
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

  it('permits plain TCP on this machine only', async () => {
    for (const host of ['localhost', '127.0.0.1', '127.8.8.8', '::1']) {
      const options = await configureForAzure({ host, port: 6379, tls: false, credential: credential() });
      expect(options).not.to.have.property('tls');
    }
  });

  describe('says at once what is wrong and what to do:', () => {
    const good = { host: HOST, credential: credential() };
    const other = configureForAzure(good);
    const wrong: readonly (readonly [
      what: string,
      options: object | Promise<object>,
      code: string,
      hint: RegExp,
    ])[] = [
      ['no host', { credential: credential() }, 'INVALID_HOST', /Azure portal/],
      [
        'an address for a host',
        { ...good, host: `rediss://${HOST}:10000` },
        'INVALID_HOST',
        /bare host name/,
      ],
      ['a host with a port', { ...good, host: `${HOST}:10000` }, 'INVALID_HOST', /port/],
      ['a host with a user', { ...good, host: `me@${HOST}` }, 'INVALID_HOST', /user/],
      ['a host that is no text', { ...good, host: 7 }, 'INVALID_OPTION', /a text/],
      [
        'no port for an unknown suffix',
        { ...good, host: 'cache.example.com' },
        'MISSING_PORT',
        /10000.*6380/,
      ],
      ['a port that is none', { ...good, port: Number.NaN }, 'INVALID_OPTION', /1 to 65535/],
      ['plain TCP to another machine', { ...good, tls: false }, 'INSECURE_CONNECTION', /TLS is used/],
      [
        'certificates that are not verified',
        { ...good, tls: { rejectUnauthorized: false } },
        'INSECURE_CONNECTION',
        /`tls\.ca`.*`tls\.servername`/,
      ],
      ['an old TLS', { ...good, tls: { minVersion: 'TLSv1.1' } }, 'INSECURE_CONNECTION', /TLS 1\.2/],
      [
        'several identities',
        other.then(({ authenticator }) => ({ ...good, authenticator })),
        'CONFLICTING_OPTIONS',
        /exactly one/,
      ],
      ['something that is no credential', { ...good, credential: {} }, 'INVALID_OPTION', /getToken/],
      [
        'something that is no authenticator',
        { host: HOST, authenticator: {} },
        'INVALID_OPTION',
        /configureForAzure/,
      ],
      ['a password beside an identity', { ...good, password: 'a key' }, 'CONFLICTING_OPTIONS', /password/],
      ['a cloud beside a credential', { ...good, cloud: 'china' }, 'CONFLICTING_OPTIONS', /credential/],
      ['an unknown cloud', { host: HOST, cloud: 'germany' }, 'INVALID_OPTION', /usGovernment/],
      ['an authority without https', { host: HOST, authorityHost: 'http://x' }, 'INVALID_OPTION', /https/],
      [
        'an authenticator with options of its own',
        other.then(({ authenticator }) => ({ host: HOST, authenticator, scope: 'x', acquireTimeout: 1 })),
        'CONFLICTING_OPTIONS',
        /where the authenticator was made/,
      ],
      ['no scope', { ...good, scope: '' }, 'INVALID_OPTION', /text/],
      ['an empty user name', { ...good, username: '' }, 'INVALID_OPTION', /claims/],
      ['a ratio of 1', { ...good, expirationRefreshRatio: 1 }, 'INVALID_OPTION', /below 1/],
      ['a ratio of 0', { ...good, expirationRefreshRatio: 0 }, 'INVALID_OPTION', /above 0/],
      ['no time to acquire a token', { ...good, acquireTimeout: 0 }, 'INVALID_OPTION', /ms/],
      ['a negative heartbeat', { ...good, heartbeatInterval: -1 }, 'INVALID_OPTION', /0 for none/],
      ['negative retries', { ...good, retry: { retries: -1 } }, 'INVALID_OPTION', /Infinity/],
      ['no options', untyped({}), 'INVALID_HOST', /host/],
    ];
    for (const [what, options, code, hint] of wrong) {
      it(what, async () => {
        const error = await rejection(configureForAzure(untyped({ ...(await options) })));
        expect(error).to.be.instanceOf(AzureRedisError).and.include({ name: 'AzureRedisError', code });
        expect(error.message).to.match(/\S/);
        expect(error.hint).to.match(hint);
      });
    }
  });

  it('is told by the first token that it cannot be had, with what the identity library said', async () => {
    const failing = credential({ getToken: () => Promise.reject(new Error('the network is down')) });
    const error = await rejection(
      configureForAzure({ host: HOST, credential: failing, retry: { retries: 0 } }),
    );
    expect(error.code).to.equal('TOKEN_UNAVAILABLE');
    expect(error.message).to.contain('the network is down');
    expect(error.cause).to.have.property('message', 'the network is down');
  });
});
