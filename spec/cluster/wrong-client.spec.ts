import { expect } from 'chai';
import { AzureRedisError, configureClusterForAzure, configureForAzure } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { CLUSTER_VARIANTS, ClusteredCache } from '../support/clustered-cache.js';
import { rejection } from '../support/rejection.js';
import { next } from '../support/waiting.js';

describe('a client of the wrong kind', () => {
  describe('a Cluster, for a cache that is not clustered', () => {
    const cache = Cache.forAll();
    const clients = new Set<{ disconnect(): void }>();
    afterEach(() => {
      for (const client of clients) client.disconnect();
    });

    for (const { name, Cluster, protocol } of CLUSTER_VARIANTS) {
      it(`names the right kind: ${name}`, async () => {
        const cluster = new Cluster(
          ...(await configureClusterForAzure({ ...cache.azure.options, protocol })),
        );
        clients.add(cluster);
        const error = await next<Error & { lastNodeError?: unknown }>(cluster, 'error');
        expect(error.message).to.equal('Failed to refresh slots cache.');
        expect(error.lastNodeError).to.be.instanceOf(AzureRedisError);
        expect(error.lastNodeError).to.include({ code: 'CLUSTER_MODE_DISABLED' });
        expect((error.lastNodeError as AzureRedisError).hint).to.include(
          'new Redis(await configureForAzure(',
        );
      });
    }
  });

  describe('a plain client, for a cache that is clustered', () => {
    const cache = ClusteredCache.forAll({ cluster: { masters: 2 } });

    for (const { name, Redis, protocol } of CLUSTER_VARIANTS) {
      it(`names the right kind: ${name}`, async () => {
        const redis = new Redis({ ...(await configureForAzure(cache.azure.options)), protocol });
        // One of them is of the other node.
        const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
        const error = await rejection(Promise.all(keys.map((key) => redis.set(key, 'value'))));
        redis.disconnect();
        expect(error.code).to.equal('CLUSTER_CLIENT_REQUIRED');
        expect(error.message).to.match(/^MOVED \d+ 127\.0\.0\.1:\d+$/);
        expect(error.hint).to.include('new Cluster(...(await configureClusterForAzure(');
      });
    }
  });
});
