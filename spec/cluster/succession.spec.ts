import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import type { ClusterInternals } from '../../lib/ioredis/cluster.js';
import { CLUSTER_VARIANTS, ClusteredCache } from '../support/clustered-cache.js';
import { settlesWithin } from '../../lib/timing/close-signal.js';
import { until } from '../support/waiting.js';

describe('two clusters of one authenticator whose subscribers are replaced at the same time', () => {
  const cache = ClusteredCache.forAll({ cluster: { masters: 2 } });

  function subscriberOf(cluster: Cluster) {
    return (cluster as unknown as ClusterInternals).subscriber.getInstance();
  }

  for (const variant of CLUSTER_VARIANTS) {
    it(`do not wait for the successor of the other one with ${variant.name}`, async () => {
      const { cluster: closed, options } = await cache.connect(variant);
      const { authenticator } = options.redisOptions;
      const { cluster } = await cache.connect(variant, { authenticator });
      const recycled: unknown[] = [];
      authenticator.on('recycled', (event) => recycled.push(event));
      for (const each of [closed, cluster]) await each.subscribe('news');
      const predecessor = subscriberOf(closed);
      const replaced = [closed, cluster].map(async (each) => {
        const client = subscriberOf(each);
        if (client) await authenticator.managedClientOf(client).replaceConnection('requested');
      });
      await until(() => predecessor?.status === 'end');
      closed.disconnect();
      expect(await settlesWithin(5_000, Promise.race(replaced.slice(1)))).to.equal(true);
      await until(() => recycled.length === 1);
    });
  }
});
