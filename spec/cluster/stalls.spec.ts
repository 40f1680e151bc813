import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import type { AuthenticatorEvents, Stall } from '../../lib/index.js';
import { CLUSTER_VARIANTS, ClusteredCache } from '../support/clustered-cache.js';
import { sendsClientInfo } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { until } from '../support/waiting.js';

type Recycled = AuthenticatorEvents['recycled'][0];

describe('a cluster whose connections have gone silent', () => {
  const cache = ClusteredCache.forAll();
  let networks: Network[];
  let natMap: Record<string, { host: string; port: number }>;

  beforeEach(async () => {
    const { nodes } = cache.cluster;
    networks = await Promise.all(nodes.map(({ port }) => Network.to(port)));
    natMap = Object.fromEntries(
      nodes.map(({ port }, index) => [
        `127.0.0.1:${port}`,
        { host: '127.0.0.1', port: networks[index]?.port ?? 0 },
      ]),
    );
  });
  afterEach(async () => {
    await Promise.all(networks.map((network) => network.close()));
  });

  for (const variant of CLUSTER_VARIANTS) {
    it(`is answered again, and receives messages: ${variant.name}`, async () => {
      const { cluster, options } = await cache.connect(variant, {
        cluster: { natMap },
        heartbeatInterval: 1_000,
      });
      const stalls: Stall[] = [];
      const recycled: Recycled[] = [];
      const { authenticator } = options.redisOptions;
      authenticator.on('stalled', (stall) => stalls.push(stall));
      authenticator.on('recycled', (event) => recycled.push(event));
      let messages = 0;
      cluster.on('message', () => (messages += 1));
      await cluster.subscribe('news');
      const keys = Array.from({ length: 30 }, (_, index) => `${variant.name} ${index}`);
      await Promise.all(keys.map((key) => cluster.incr(key)));

      for (const network of networks) network.loseServerSides();
      await Promise.all(keys.map((key) => cluster.incr(key)));
      expect(stalls.length).to.be.at.least(3);
      expect(await Promise.all(keys.map((key) => cluster.get(key)))).to.deep.equal(keys.map(() => '2'));
      await until(async () => {
        await cluster.publish('news', 'hello');
        return messages > 0;
      });
      await until(() => recycled.some(({ delivery }) => delivery === 'best-effort'));
    });

    // Without CLIENT SETINFO, the reply arrives together with that to the login: none can be lost in between.
    if (!sendsClientInfo(variant)) continue;
    it(`replaces a connection on which it asks for its slots: ${variant.name}`, async () => {
      const { cluster, options } = await cache.connect(variant, {
        // Longer than the spec may take: ioredis itself would give up the connection after a second.
        cluster: { natMap, slotsRefreshTimeout: 120_000 },
        ...{ heartbeatInterval: 200, heartbeatTimeout: 500 },
      });
      const { authenticator } = options.redisOptions;
      const stalls: Stall[] = [];
      authenticator.on('stalled', (stall) => stalls.push(stall));
      // Another round if the reply arrived before it could be lost.
      while (!stalls.some(({ awaited }) => awaited === 'CLUSTER')) {
        const before = new Set(networks.flatMap(({ ports }) => ports));
        const isNew = (port: number): boolean => !before.has(port);
        for (const network of networks) network.delayReplies(200);
        const refreshed = refreshSlots(cluster);
        await until(
          () =>
            networks.some(({ ports }) => ports.some(isNew)) &&
            authenticator.connections.every(({ expiresOn }) => expiresOn !== undefined),
        );
        for (const network of networks) {
          network.loseReplies(isNew);
          network.delayReplies(0);
        }
        await refreshed;
      }
      expect(await cluster.set('key', 'value')).to.equal('OK');
    });
  }
});

/** Resolves once the cluster has read its slots from a node. */
function refreshSlots(cluster: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    cluster.refreshSlotsCache((error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
