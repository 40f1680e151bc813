import { expect } from 'chai';
import { AzureRedisError, configureForAzure, type ConfigureForAzureOptions } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { credential, HOST, untyped } from './support/options.js';

describe('configureForAzure() rejects at once, with the option in the message and a hint:', () => {
  const good = { host: HOST, credential: credential() };
  const other = configureForAzure(good);
  const WRONG: readonly (readonly [
    what: string,
    options: object | Promise<object>,
    code: string,
    said: RegExp,
    hint: RegExp,
  ])[] = [
    ['no host', { credential: credential() }, 'INVALID_HOST', /`host` is missing/, /Azure portal/],
    [
      'a number as host',
      { ...good, host: 7 },
      'INVALID_OPTION',
      /`host` must be a string, got a number/,
      /host/,
    ],
    [
      'no port for an unknown suffix',
      { ...good, host: 'cache.example.com' },
      'MISSING_PORT',
      /`port` is missing.*cache\.example\.com/,
      /10000.*6380/,
    ],
    ['port NaN', { ...good, port: Number.NaN }, 'INVALID_OPTION', /`port`.*got NaN/, /1 to 65535/],
    ['a port as string', { ...good, port: '6380' }, 'INVALID_OPTION', /got '6380'/, /1 to 65535/],
    [
      'tls: false for a remote host',
      { ...good, tls: false },
      'INSECURE_CONNECTION',
      /plain TCP/,
      /Remove `tls: false`/,
    ],
    ['tls: true', { ...good, tls: true }, 'INVALID_OPTION', /`tls`.*got true/, /TLS options/],
    [
      'unverified certificates',
      { ...good, tls: { rejectUnauthorized: false } },
      'INSECURE_CONNECTION',
      /not verified/,
      /`tls\.ca`.*`tls\.servername`/,
    ],
    [
      'TLS 1.1',
      { ...good, tls: { minVersion: 'TLSv1.1' } },
      'INSECURE_CONNECTION',
      /got 'TLSv1\.1'/,
      /TLS 1\.2/,
    ],
    [
      'sentinels',
      { ...good, sentinels: [{ host: 's' }], name: 'm' },
      'CONFLICTING_OPTIONS',
      /`sentinels` conflicts with `host`: Azure Redis has no Sentinel/,
      /Remove `sentinels`/,
    ],
    [
      'a database of Azure Managed Redis other than 0',
      { ...good, db: 1 },
      'CONFLICTING_OPTIONS',
      /`db` conflicts with `host`.*database 0 only/,
      /keyPrefix/,
    ],
    [
      'a database as string',
      { ...good, host: 'x.redis.chinacloudapi.cn', db: '1' },
      'CONFLICTING_OPTIONS',
      /`db`/,
      /keyPrefix/,
    ],
    [
      'a TLS session',
      { ...good, tls: { session: Buffer.alloc(1) } },
      'INSECURE_CONNECTION',
      /`tls.session`.*name is not verified/,
      /Remove/,
    ],
    [
      'two identities',
      other.then(({ authenticator }) => ({ ...good, authenticator })),
      'CONFLICTING_OPTIONS',
      /credential, authenticator/,
      /exactly one/,
    ],
    [
      'an object without getToken()',
      { ...good, credential: {} },
      'INVALID_OPTION',
      /got an object/,
      /getToken/,
    ],
    ['a credential of null', { ...good, credential: null }, 'INVALID_OPTION', /got null/, /getToken/],
    [
      'a foreign authenticator',
      { host: HOST, authenticator: {} },
      'INVALID_OPTION',
      /`authenticator` must be.*configureForAzure/,
      /JSON/,
    ],
    [
      'options that went through JSON',
      other.then((options) => JSON.parse(JSON.stringify(options)) as object),
      'INVALID_OPTION',
      /`authenticator`.*got a copy/,
      /JSON/,
    ],
    [
      'an authenticator without its state, as a deep clone makes it',
      other.then(({ authenticator }) => ({
        host: HOST,
        authenticator: Object.create(Object.getPrototypeOf(authenticator) as object) as object,
      })),
      'INVALID_OPTION',
      /`authenticator`.*got a copy/,
      /deep clone/,
    ],
    ['a password', { ...good, password: 'a key' }, 'CONFLICTING_OPTIONS', /`password`/, /accessKey/],
    ['a cloud for a credential', { ...good, cloud: 'china' }, 'CONFLICTING_OPTIONS', /`cloud`/, /credential/],
    ['an unknown cloud', { host: HOST, cloud: 'germany' }, 'INVALID_OPTION', /got 'germany'/, /usGovernment/],
    [
      'http',
      { host: HOST, authorityHost: 'http://x' },
      'INVALID_OPTION',
      /`authorityHost` must be an https/,
      /https/,
    ],
    [
      'options that belong to a shared authenticator',
      other.then(({ authenticator }) => ({ host: HOST, authenticator, scope: 'x', acquireTimeout: 1 })),
      'CONFLICTING_OPTIONS',
      /`scope`, `acquireTimeout`/,
      /creates the authenticator/,
    ],
    ['an empty scope', { ...good, scope: '' }, 'INVALID_OPTION', /`scope`.*got ''/, /non-empty/],
    [
      'a scope with a line break',
      { ...good, scope: 'x\n' },
      'INVALID_OPTION',
      /`scope`.*got/s,
      /line breaks/,
    ],
    [
      'a user name with a line break',
      { ...good, username: 'x\n' },
      'INVALID_OPTION',
      /`username`.*got/s,
      /without spaces and line breaks/,
    ],
    [
      'a user name with a space',
      { ...good, username: 'my app' },
      'INVALID_OPTION',
      /`username`.*got 'my app'/,
      /without spaces/,
    ],
    ['an empty user name', { ...good, username: '' }, 'INVALID_OPTION', /`username`.*got ''/, /claims/],
    ['ratio 1', { ...good, expirationRefreshRatio: 1 }, 'INVALID_OPTION', /got 1\./, /below 1/],
    ['ratio 0', { ...good, expirationRefreshRatio: 0 }, 'INVALID_OPTION', /got 0\./, /above 0/],
    [
      'a ratio as string',
      { ...good, expirationRefreshRatio: '0.5' },
      'INVALID_OPTION',
      /got '0\.5'/,
      /above 0/,
    ],
    [
      'no time for a request',
      { ...good, acquireTimeout: 0 },
      'INVALID_OPTION',
      /milliseconds above 0, got 0/,
      /acq/,
    ],
    [
      'a timeout as string',
      { ...good, acquireTimeout: '500' },
      'INVALID_OPTION',
      /got '500'/,
      /acquireTimeout/,
    ],
    [
      'a heartbeat that is not a number',
      { ...good, heartbeatInterval: 'fast' },
      'INVALID_OPTION',
      /^`heartbeatInterval` must be a number of milliseconds from 0, got 'fast'\.$/,
      /0 for none/,
    ],
    [
      'a heartbeat timeout of a few ms',
      { ...good, heartbeatTimeout: 5 },
      'INVALID_OPTION',
      /^`heartbeatTimeout` must be 0, or a number of milliseconds from 100, got 5\.$/,
      /0 for no limit/,
    ],
    [
      'a heartbeat timeout that is no number',
      { ...good, heartbeatTimeout: '5s' },
      'INVALID_OPTION',
      /got '5s'/,
      /0 for no limit/,
    ],
    ['a negative heartbeat', { ...good, heartbeatInterval: -1 }, 'INVALID_OPTION', /got -1/, /0 for none/],
    [
      'retry: null',
      { ...good, retry: null },
      'INVALID_OPTION',
      /`retry` must be an object, got null/,
      /retries/,
    ],
    [
      'negative retries',
      { ...good, retry: { retries: -1 } },
      'INVALID_OPTION',
      /`retry\.retries`/,
      /Infinity/,
    ],
    ['minTimeout NaN', { ...good, retry: { minTimeout: NaN } }, 'INVALID_OPTION', /minTimeout/, /60000/],
    ['too short a maximum', { ...good, retry: { maxTimeout: 1 } }, 'INVALID_OPTION', /maxTimeout/, /500/],
    ['a factor below 1', { ...good, retry: { factor: 0.5 } }, 'INVALID_OPTION', /got 0\.5/, /from 1/],
    ['randomize: 1', { ...good, retry: { randomize: 1 } }, 'INVALID_OPTION', /got 1/, /true or false/],
    [
      'an unknown option of retry',
      { ...good, retry: { onFailedAttempt: () => undefined } },
      'INVALID_OPTION',
      /`retry` has no field `onFailedAttempt`/,
      /retries, minTimeout, maxTimeout, factor, randomize/,
    ],
    ['no identity and no host', untyped({}), 'INVALID_HOST', /host/, /host/],
  ];
  for (const [what, options, code, said, hint] of WRONG) {
    it(what, async () => {
      const error = await rejection(configureForAzure(untyped({ ...(await options) })));
      expect(error).to.be.instanceOf(AzureRedisError).and.include({ name: 'AzureRedisError', code });
      expect(error.message).to.match(said);
      expect(error.hint).to.match(hint);
    });
  }

  for (const identity of [
    'credential',
    'managedIdentity',
    'servicePrincipal',
    'accessKey',
    'authenticator',
  ]) {
    it(`\`${identity}: undefined\`, in place of which another identity would log in`, async () => {
      const error = await rejection(configureForAzure(untyped({ host: HOST, [identity]: undefined })));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.match(new RegExp(`^\`${identity}\` is undefined`));
      expect(error.hint).to.match(/environment variable/);
    });
  }

  for (const [what, options] of [
    ['undefined', undefined],
    ['a URL', `rediss://:secret@${HOST}:10000`],
  ] as const) {
    it(`${what} in place of the options`, async () => {
      const error = await rejection(configureForAzure(options as unknown as ConfigureForAzureOptions));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.match(/^`options` must be an object, got (undefined|a string)\.$/);
    });
  }
});
