import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import type { Authenticator } from '../../lib/index.js';
import { CLUSTER_VARIANTS, ClusteredCache, type ClusterVariant } from '../support/clustered-cache.js';
import { slotOf } from '../support/key-slots.js';
import { expiries, next } from '../support/waiting.js';

/** One counter is in each of many slots; its commands are of one slot, as a pipeline or a transaction must be. */
const COUNTERS = Array.from({ length: 64 }, (_, number) => String(number));

/**
 * A transaction whose slot moves on while its commands arrive: the server runs none of it, and ioredis, which sends one
 * again only if its commands failed alike, tells the caller.
 */
function unlessCut(error: Error): undefined {
  if (!error.message.startsWith('EXECABORT ')) throw error;
}

/** Resolves when each has had a token end. */
async function expiryOfEach(authenticators: readonly Authenticator[]): Promise<void> {
  await Promise.all(authenticators.map((authenticator) => expiries(1, authenticator)));
}

/** A cluster that counts all the time, by single commands, pipelines and transactions. */
class Counting {
  readonly name: string;
  readonly cluster: Cluster;
  readonly errors: unknown[] = [];
  readonly acknowledged = new Map<string, number>();
  readonly #callers: Promise<unknown>;
  #isOver = false;

  constructor(name: string, cluster: Cluster) {
    this.name = name;
    this.cluster = cluster;
    this.#callers = Promise.all([
      this.#call((key) => this.#increment(key)),
      this.#call((key) => this.#pipeline(key)),
      this.#call((key) => this.#transaction(key)),
    ]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#callers;
  }

  async #call(count: (key: string) => Promise<void>): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      try {
        await count(`{${COUNTERS[number % COUNTERS.length] ?? ''}}:${this.name}`);
      } catch (error) {
        this.errors.push(error);
        return;
      }
    }
  }

  async #increment(key: string): Promise<void> {
    await this.cluster.incr(key);
    this.#acknowledge(key, 1);
  }

  async #pipeline(key: string): Promise<void> {
    const results = (await this.cluster.pipeline().incr(key).incr(key).incr(key).exec()) ?? [];
    for (const [error] of results) {
      if (!error) this.#acknowledge(key, 1);
      // A pipeline of which a part has run before the key moved on: ioredis sends none of it again.
      else if (!/^(?:ASK|MOVED) /.test(error.message)) this.errors.push(error);
    }
  }

  async #transaction(key: string): Promise<void> {
    const results = (await this.cluster.multi().incr(key).incr(key).incr(key).exec().catch(unlessCut)) ?? [];
    if (results.length === 0) return;
    const values = results.map(([error, value]) => {
      if (error) this.errors.push(error);
      return Number(value);
    });
    const [first = NaN] = values;
    // An AUTH among them would shift them.
    if (String(values) !== String([first, first + 1, first + 2])) this.errors.push(values);
    this.#acknowledge(key, values.length);
  }

  #acknowledge(key: string, count: number): void {
    this.acknowledged.set(key, (this.acknowledged.get(key) ?? 0) + count);
  }
}

describe('a cluster that changes during token expiries', () => {
  const cache = ClusteredCache.forAll({ tokenLifetime: 4_000 });

  interface Started {
    readonly counting: Counting;
    readonly authenticator: Authenticator;
  }

  async function start(variant: ClusterVariant): Promise<Started> {
    const { cluster, options } = await cache.connect(variant);
    const { authenticator } = options.redisOptions;
    const counting = new Counting(variant.name, cluster);
    authenticator.on('reauthenticationFailed', ({ error }) => counting.errors.push(error));
    return { counting, authenticator };
  }

  /** What the counters have come to. */
  const counted = new Map<string, number>();

  /**
   * Has clients of every kind count while `change` goes on, then looks whether anything was lost or run twice.
   *
   * @param change What happens, given the authenticator of each client.
   */
  async function countThrough(
    change: (authenticators: readonly Authenticator[]) => Promise<void>,
  ): Promise<void> {
    const started = await Promise.all(CLUSTER_VARIANTS.map(start));
    try {
      await change(started.map(({ authenticator }) => authenticator));
    } finally {
      await Promise.all(started.map(({ counting }) => counting.stop()));
    }
    for (const { counting } of started) {
      expect(counting.errors, counting.name).to.deep.equal([]);
      const expected = new Map(
        [...counting.acknowledged].map(([key, count]) => [key, count + (counted.get(key) ?? 0)]),
      );
      const found = await cache.countersOf(`*:${counting.name}`);
      expect([...found].sort(), counting.name).to.deep.equal([...expected].sort());
      expect(found.size).to.equal(COUNTERS.length);
      for (const [key, count] of found) counted.set(key, count);
    }
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  }

  it('loses and repeats no command when slots move, with ASK and MOVED', () =>
    countThrough(async (authenticators) => {
      const expired = expiryOfEach(authenticators);
      const [target] = await cache.cluster.masters();
      if (!target) throw new Error('there is no master');
      const migrations = [];
      for (const slot of COUNTERS.map(slotOf)) {
        if ((await cache.cluster.masterOf(slot)) === target) continue;
        const migration = await cache.cluster.migrate(slot, target);
        await migration.moveKeys();
        migrations.push(migration);
      }
      // The keys are asked for while tokens expire.
      await expired;
      for (const migration of migrations) await migration.finish();
    }));

  it('loses and repeats no command when masters fail over', () =>
    countThrough(async (authenticators) => {
      for (const master of await cache.cluster.masters()) {
        // New tokens are sent now, before the old ones expire.
        await Promise.all(authenticators.map((authenticator) => next(authenticator, 'tokenRefreshed')));
        await cache.cluster.failover(master);
      }
    }));

  it('loses and repeats no command when nodes join and leave', () =>
    countThrough(async (authenticators) => {
      const joined = expiryOfEach(authenticators);
      const node = await cache.cluster.addNode();
      await cache.cluster.addNode({ replicaOf: node });
      await cache.cluster.moveSlots(COUNTERS.map(slotOf), node);
      await joined;
      const left = expiryOfEach(authenticators);
      const [replica] = await cache.cluster.replicasOf(node);
      await cache.cluster.removeNode(node);
      if (replica) await cache.cluster.removeNode(replica);
      await left;
    }));
});
