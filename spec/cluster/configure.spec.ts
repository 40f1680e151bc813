import { rootCertificates } from 'node:tls';
import type { TokenCredential } from '@azure/core-auth';
import { expect } from 'chai';
import type { ClusterOptions } from 'ioredis';
import { configureClusterForAzure, configureForAzure } from '../../lib/index.js';
import { unsignedJwt } from '../support/jwt.js';
import { rejection } from '../support/rejection.js';

const HOST = 'my-cache.westeurope.redis.azure.net';

const credential: TokenCredential = {
  getToken: () =>
    Promise.resolve({ token: unsignedJwt({ oid: 'me' }), expiresOnTimestamp: Date.now() + 3_600_000 }),
};

async function configure(
  cluster: ClusterOptions,
  more: object = {},
): ReturnType<typeof configureClusterForAzure> {
  return configureClusterForAzure({ host: HOST, credential, ...more, cluster });
}

describe('configureClusterForAzure()', () => {
  it('resolves to the arguments of a Cluster: the host and port, and options with an authenticator', async () => {
    const [nodes, options] = await configure({});
    expect(nodes).to.deep.equal([{ host: HOST, port: 10000 }]);
    expect(options.redisOptions).to.include({ username: 'me' });
    expect(options.redisOptions.authenticator.username).to.equal('me');
  });

  it('sets redisOptions.tls.servername to the host', async () => {
    const [, { redisOptions }] = await configure({});
    expect(redisOptions.tls).to.deep.equal({
      minVersion: 'TLSv1.2',
      servername: HOST,
      rejectUnauthorized: true,
    });
  });

  it('sets a dnsLookup that returns the host name unresolved', async () => {
    const [, { dnsLookup }] = await configure({});
    const found = await new Promise((resolve, reject) => {
      dnsLookup?.(HOST, (error, address) => {
        if (error) reject(error);
        else resolve(address);
      });
    });
    expect(found).to.equal(HOST);
  });

  it('sets slotsRefreshTimeout to 5 s', async () => {
    const [, { slotsRefreshTimeout }] = await configure({});
    expect(slotsRefreshTimeout).to.equal(5_000);
  });

  it('sets a clusterRetryStrategy with random waits that double from 0.1 s to 2 s, without a limit of attempts', async () => {
    const [, { clusterRetryStrategy }] = await configure({});
    for (const times of [1, 2, 5, 100, 10_000]) {
      const delays = Array.from({ length: 20 }, () => Number(clusterRetryStrategy?.(times)));
      const [least, most] = [Math.min(2_000, 100 * 2 ** (times - 1)), Math.min(2_000, 100 * 2 ** times)];
      for (const delay of delays) expect(delay).to.be.within(least, most);
    }
  });

  it('sets redirections and delays that add up to at least 15 s on a lost node', async () => {
    const [, options] = await configure({});
    const { maxRedirections = 0, retryDelayOnFailover = 0, retryDelayOnClusterDown = 0 } = options;
    // Each attempt on a node that is gone counts as two redirections.
    expect((maxRedirections / 2) * retryDelayOnFailover).to.be.at.least(15_000);
    expect((maxRedirections / 2) * retryDelayOnClusterDown).to.be.at.least(15_000);
  });

  it('sets retryDelayOnMoved to 100 ms', async () => {
    const [, options] = await configure({});
    expect(options.retryDelayOnMoved).to.equal(100);
  });

  it('gives precedence to the options in `cluster`', async () => {
    const given = {
      scaleReads: 'slave',
      natMap: {},
      dnsLookup: (_hostname, callback) => {
        callback(null, '127.0.0.1');
      },
      slotsRefreshTimeout: 1,
      clusterRetryStrategy: () => 2,
      maxRedirections: 3,
      retryDelayOnFailover: 4,
      retryDelayOnClusterDown: 5,
      retryDelayOnMoved: 6,
    } satisfies ClusterOptions;
    const [, options] = await configure(given);
    expect(options).to.deep.include(given);
  });

  it('keeps the default of an option that is undefined', async () => {
    const [, options] = await configure({ slotsRefreshTimeout: undefined });
    expect(options.slotsRefreshTimeout).to.equal(5_000);
  });

  it('merges the options of the nodes, with precedence for `cluster.redisOptions`', async () => {
    const [innerCa = '', outerCa = ''] = rootCertificates;
    const [, { redisOptions }] = await configure(
      { redisOptions: { connectionName: 'inner', tls: { ca: innerCa } } },
      {
        connectionName: 'outer',
        keyPrefix: 'shop:',
        tls: { ca: outerCa, servername: 'other.name' },
      },
    );
    expect(redisOptions).to.include({ connectionName: 'inner', keyPrefix: 'shop:' });
    expect(redisOptions.tls).to.deep.include({ ca: innerCa, servername: 'other.name' });
  });

  it('accepts options that were configured before', async () => {
    const redisOptions = await configureForAzure({ host: HOST, credential });
    const [nodes, options] = await configureClusterForAzure({ host: HOST, cluster: { redisOptions } });
    expect(nodes).to.deep.equal([{ host: HOST, port: 10000 }]);
    expect(options.redisOptions.authenticator).to.equal(redisOptions.authenticator);
  });

  it('shares the authenticator of another cache', async () => {
    const { authenticator } = await configureForAzure({ host: HOST, credential });
    const [, options] = await configureClusterForAzure({ host: HOST, authenticator });
    expect(options.redisOptions.authenticator).to.equal(authenticator);
  });

  const CONFLICTS: readonly [what: string, options: Record<string, unknown>][] = [
    ['a path', { path: '/tmp/redis.sock' }],
    ['sentinels', { sentinels: [{ host: 'localhost' }] }],
    ['a database other than 0, which is the only one of a cluster', { db: 1 }],
    ['a database other than 0 in the options of the nodes', { cluster: { redisOptions: { db: 1 } } }],
    ['a password', { password: 'secret' }],
    ['a password in the options of the nodes', { cluster: { redisOptions: { password: 'secret' } } }],
  ];
  for (const [what, options] of CONFLICTS) {
    it(`rejects ${what}`, async () => {
      const error = await rejection(
        configureClusterForAzure({ host: HOST, credential, ...(options as object) }),
      );
      expect(error.code).to.equal('CONFLICTING_OPTIONS');
      expect(JSON.stringify(error)).to.not.include('secret');
    });
  }

  it('rejects unverified certificates in the options of the nodes', async () => {
    const unverified = configure({ redisOptions: { tls: { rejectUnauthorized: false } } });
    expect((await rejection(unverified)).code).to.equal('INSECURE_CONNECTION');
  });
});
