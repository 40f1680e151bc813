import { inspect } from 'node:util';
import { expect } from 'chai';
import { AzureRedisEmulator, EntraEmulator } from '../../emulator/index.js';
import { AzureRedisError } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';

/** A call as a program in JavaScript makes it. */
type Call = readonly [method: string, args: readonly unknown[], message: RegExp];

/** Calls a method with arguments that its types forbid. */
async function failureOf(target: object, [method, args]: Call): Promise<unknown> {
  try {
    const call = Reflect.get(target, method) as (...args: readonly unknown[]) => unknown;
    await call.apply(target, args as unknown[]);
  } catch (error) {
    return error;
  }
  return undefined;
}

function itRejects(calls: readonly Call[], target: () => object): void {
  for (const call of calls) {
    const [method, args, message] = call;
    it(`rejects ${method}(${args.map((arg) => inspect(arg, { breakLength: Infinity })).join(', ')})`, async () => {
      const error = await failureOf(target(), call);
      expect(error).to.be.an.instanceOf(AzureRedisError).with.property('code', 'INVALID_OPTION');
      const { message: text, hint } = error as AzureRedisError;
      expect(text).to.match(message);
      expect(hint).to.not.equal('');
    });
  }
}

const upstream = { host: 'localhost', port: 6379, password: 'secret' };
const OPTIONS: readonly [options: unknown, message: RegExp][] = [
  ['fast', /`options` must be an object/],
  [{ tokenLifeTime: 60_000 }, /no field `tokenLifeTime`/],
  [{ tokenLifetime: 60 }, /`tokenLifetime` must be a number of milliseconds from 100, got 60/],
  [{ tokenLifetime: NaN }, /`tokenLifetime` must be/],
  [{ refreshAfter: 2 }, /`refreshAfter` must be a number from 0 to 1/],
  [{ refreshAfter: -1 }, /`refreshAfter` must be/],
  [{ cacheTokens: 'yes' }, /`cacheTokens` must be true or false/],
  [{ product: 'enterprise' }, /`product` must be 'managed' or 'cache'/],
  [{ idleTimeout: NaN }, /`idleTimeout` must be/],
  [{ port: 70_000 }, /`port` must be an integer from 0 to 65535, got 70000/],
  [{ port: '6380' }, /`port` must be an integer/],
  [{ bind: '' }, /`bind` must be an IP address/],
  [{ bind: '192.0.2.1' }, /this machine has no such address/],
  [{ hostname: 'a b' }, /`hostname` must be a host name/],
  [{ hostname: 'https://foo' }, /`hostname` must be a host name/],
  [{ hostname: 'foo:6380' }, /`hostname` must be a host name/],
  [{ redisServer: '' }, /`redisServer` must be/],
  [{ entra: {} }, /`entra` must be an EntraEmulator/],
  [{ cluster: 3 }, /`cluster` must be an object/],
  [{ cluster: { masters: 0 } }, /`cluster.masters` must be a whole number from 1/],
  [{ cluster: { masters: 1, replicas: 0.5 } }, /`cluster.replicas` must be a whole number from 0/],
  [{ cluster: { masters: 100, replicas: 10 } }, /`cluster` has 1100 nodes/],
  [{ bind: '127.0.0.2', cluster: { masters: 1 } }, /must be 127.0.0.1 or 0.0.0.0/],
  [{ upstream: 'localhost:6379' }, /`upstream` must be an object/],
  [{ upstream: { ...upstream, port: '6379' } }, /`upstream.port` must be an integer/],
  [{ upstream: { ...upstream, password: undefined } }, /`upstream.password` must be a string/],
  [{ upstream, redisServer: 'redis-server' }, /`upstream` conflicts with `redisServer`/],
  [{ upstream, cluster: { masters: 1 } }, /`upstream` conflicts with `cluster`/],
];

describe('the arguments of AzureRedisEmulator', () => {
  let azure: AzureRedisEmulator;
  before(async () => {
    azure = await AzureRedisEmulator.start();
  });
  after(() => azure.stop());

  itRejects(
    OPTIONS.map(([options, message]) => ['start', [options], message]),
    () => AzureRedisEmulator,
  );

  itRejects(
    [
      ['credential', ['anna'], /`options` must be an object/],
      ['credential', [{ role: 'data reader' }], /`role` must be 'default', 'Data Owner'.*got 'data reader'/],
      ['credential', [{ tokenLifetime: 60 }], /`tokenLifetime` must be/],
      ['credential', [{ claims: [] }], /`claims` must be an object/],
      ['credential', [{ oid: 'a b' }], /`oid` must be a string without spaces/],
      ['assignRole', ['x', 'Owner'], /`role` must be/],
      ['assignRole', ['x', '+@read >password'], /`role` must be/],
      ['assignRole', ['default', 'Data Owner'], /`oid` must be a string without spaces/],
      ['removeAccess', [], /`oid` must be/],
      ['issueToken', [{ lifetime: '1h' }], /`lifetime` must be/],
      ['forgeToken', [{ oids: 'x' }], /no field `oids`/],
      ['identityDown', ['ECONNREFUSED'], /`error` must be an Error/],
      ['identitySlow', [], /`ms` must be/],
      ['identityThrottling', [], /`options` must be an object/],
      ['identityThrottling', [{ retryAfter: 'soon' }], /`retryAfter` must be/],
      ['failNextCommand', [], /`error` must be one line/],
      ['failNextCommand', ['ERR', { command: 5 }], /`command` must be/],
    ],
    () => azure,
  );
});

describe('the arguments of EntraEmulator', () => {
  let entra: EntraEmulator;
  before(async () => {
    entra = await EntraEmulator.start();
  });
  after(() => entra.stop());

  itRejects(
    [
      ['start', [{ port: -1 }], /`port` must be/],
      ['start', [{ tokenLifetime: 60 }], /`tokenLifetime` must be a number of milliseconds from 1000/],
      ['start', [{ hostname: 'https://foo' }], /`hostname` must be/],
      ['start', [{ resources: 'https://redis.azure.com' }], /`resources` must be/],
      ['start', [{ tokenLifeTime: 5_000 }], /no field `tokenLifeTime`/],
    ],
    () => EntraEmulator,
  );

  itRejects(
    [
      ['addUser', [], /`options` must be an object/],
      ['addUser', [{}], /`password` is missing/],
      ['addApplication', [{ redirectUris: ['localhost:8400'] }], /`redirectUri` must be an absolute URI/],
      ['addApplication', [{ redirectUris: 'http://localhost' }], /`redirectUris` must be/],
      ['addApplication', [{ redirectUri: 'http://localhost' }], /no field `redirectUri`/],
      ['addManagedIdentity', ['system'], /`kind` must be/],
      ['addWorkloadIdentity', [], /`application` must be/],
      ['issueFederatedToken', [], /`options` must be an object/],
      ['revokeSignIns', ['anna'], /`user` must be an object/],
      ['slow', ['1s'], /`ms` must be/],
      ['throttling', [], /`options` must be an object/],
      ['failing', [404], /`status` must be an HTTP status from 500 to 599/],
    ],
    () => entra,
  );

  itRejects(
    [
      ['addRedirectUri', ['localhost:8400'], /`redirectUri` must be an absolute URI, got 'localhost:8400'/],
      ['addSecret', ['1d'], /`lifetime` must be/],
      ['addCertificate', ['PEM'], /`pem` is not a certificate/],
      ['trustSubject', [{ subject: 'CN=app', issuer: 'CN=CA' }], /`trusted.issuer` is not a certificate/],
      ['addFederatedCredential', [{ issuer: 'https://issuer' }], /`credential.subject` is missing/],
    ],
    () => entra.addApplication(),
  );

  it('shows no secret in its errors', async () => {
    const error = await rejection(
      AzureRedisEmulator.start({ upstream: { ...upstream, port: 0, password: 'a secret' } }),
    );
    expect(inspect(error)).to.not.include('a secret');
  });
});
