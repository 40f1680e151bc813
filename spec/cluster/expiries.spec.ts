import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { connectionsOf } from '../support/cache.js';
import { CLUSTER_VARIANTS, ClusteredCache, type ClusterVariant } from '../support/clustered-cache.js';
import { keyForEachSlot } from '../support/key-slots.js';

/** Three lifetimes of a token, in ms. The soak runs for longer. */
const DURATION = 9_000;
const CALLERS = 16;

/** What a cluster under full load went through. */
interface Report {
  /** How often each counter was incremented, as its callers were told. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** What the counters came to. */
  readonly counted: ReadonlyMap<string, number>;
  /** The nodes that were dropped. */
  readonly dropped: readonly (number | undefined)[];
  readonly nodes: number;
  readonly connections: number;
  readonly refreshes: number;
  readonly reauthentications: number;
  readonly errors: readonly unknown[];
}

describe('a cluster under full load on every slot, through three lifetimes of its tokens', () => {
  const cache = ClusteredCache.forAll({ tokenLifetime: 3_000 });
  const reports = new Map<ClusterVariant, Report>();

  // All of them at the same time.
  before(async () => {
    await Promise.all(
      CLUSTER_VARIANTS.map(async (variant) => {
        reports.set(variant, await load(variant));
      }),
    );
  });

  async function load(variant: ClusterVariant): Promise<Report> {
    const credential = cache.azure.credential();
    const { cluster, options } = await cache.connect(variant, {
      credential,
      cluster: { scaleReads: 'all' },
    });
    const { authenticator } = options.redisOptions;
    const errors: unknown[] = [];
    const dropped: (number | undefined)[] = [];
    let refreshes = 0;
    let reauthentications = 0;
    authenticator.on('tokenRefreshed', () => (refreshes += 1));
    authenticator.on('reauthenticated', () => (reauthentications += 1));
    authenticator.on('reauthenticationFailed', ({ error }) => errors.push(error));
    authenticator.on('tokenRefreshFailed', ({ error }) => errors.push(error));
    cluster.on('error', (error) => errors.push(error));
    cluster.on('node error', (error) => errors.push(error));
    cluster.on('-node', (node: Redis) => dropped.push(node.options.port));

    const keys = keyForEachSlot(`${variant.name}:`);
    const acknowledged = new Map(keys.map((key) => [key, 0]));
    const end = Date.now() + DURATION;
    let next = 0;
    async function call(): Promise<void> {
      while (Date.now() < end || next < keys.length) {
        const key = keys[next++ % keys.length] ?? '';
        try {
          // Reads go to replicas too.
          await Promise.all([cluster.incr(key), cluster.exists(key)]);
          acknowledged.set(key, (acknowledged.get(key) ?? 0) + 1);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, call));
    return {
      acknowledged,
      counted: await cache.countersOf(`${variant.name}:`),
      dropped: [...dropped],
      nodes: cluster.nodes().filter(({ status }) => status === 'ready').length,
      connections: connectionsOf(cache.azure, credential),
      refreshes,
      reauthentications,
      errors: [...errors],
    };
  }

  function reportOf(variant: ClusterVariant): Report {
    const report = reports.get(variant);
    if (!report) throw new Error('nothing is reported');
    return report;
  }

  for (const variant of CLUSTER_VARIANTS) {
    describe(variant.name, () => {
      it('gets no error', () => {
        expect(reportOf(variant).errors).to.deep.equal([]);
      });

      it('keeps the connections to its masters and replicas, which are re-authenticated in place', () => {
        const { dropped, nodes, refreshes, reauthentications, connections } = reportOf(variant);
        expect(dropped).to.deep.equal([]);
        expect(nodes).to.equal(6);
        expect(refreshes).to.be.at.least(3);
        expect(reauthentications).to.be.at.least(3 * nodes);
        // Those to its nodes, and a few that are for the beginning, the slots and the subscriptions.
        expect(connections).to.be.below(3 * nodes);
      });

      it('runs every command exactly once, on every slot', () => {
        const { acknowledged, counted } = reportOf(variant);
        expect([...acknowledged.values()].every((count) => count > 0)).to.equal(true);
        expect(counted).to.deep.equal(acknowledged);
      });
    });
  }

  it('is never evicted, and no login is rejected', () => {
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
