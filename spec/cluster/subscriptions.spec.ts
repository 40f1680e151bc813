import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { CLUSTER_VARIANTS, ClusteredCache, type ClusterVariant } from '../support/clustered-cache.js';
import { slotOf } from '../support/key-slots.js';
import { expiries, until } from '../support/waiting.js';

type Recycled = AuthenticatorEvents['recycled'][0];

/** A hash tag of each of the three masters. */
const TAGS = [0, 1, 2].map((master) => {
  let number = 0;
  while (Math.floor((slotOf(`shard ${number}`) * 3) / 16_384) !== master) number += 1;
  return `shard ${number}`;
});

describe('the subscriptions of a cluster', () => {
  const cache = ClusteredCache.forAll({ tokenLifetime: 4_000 });

  /** What was published and what arrived, by channel, and what was replaced meanwhile. */
  class Trial {
    readonly news: string;
    readonly pattern: string;
    readonly sharded: readonly string[];
    readonly received = new Map<string, string[]>();
    readonly recycled: Recycled[] = [];
    isOver = false;
    readonly published = new Map<string, number>();
    readonly #publisher: Cluster;

    constructor(name: string, subscriber: Cluster, publisher: Cluster) {
      this.news = `news of ${name}`;
      this.pattern = `weather of ${name} *`;
      this.sharded = TAGS.map((tag) => `{${tag}} of ${name}`);
      this.#publisher = publisher;
      subscriber.on('message', (channel: string, message: string) => {
        this.#receive(channel, message);
      });
      subscriber.on('pmessage', (_pattern: string, channel: string, message: string) => {
        this.#receive(channel, message);
      });
      subscriber.on('smessage', (channel: string, message: string) => {
        this.#receive(channel, message);
      });
    }

    /** Publishes a number to each channel, one more each time, until the end. */
    async publishUntil(isOver: () => boolean): Promise<void> {
      while (!isOver()) {
        await this.publish();
        await sleep(5);
      }
    }

    async publish(): Promise<void> {
      await Promise.all([
        this.#publish(this.news, (channel, message) => this.#publisher.publish(channel, message)),
        this.#publish(this.pattern.replace('*', 'today'), (channel, message) =>
          this.#publisher.publish(channel, message),
        ),
        ...this.sharded.map((shard) =>
          this.#publish(shard, (channel, message) => this.#publisher.spublish(channel, message)),
        ),
      ]);
    }

    /** Publishes until what was published last has arrived; what falls into the gap of a replacement does not. */
    async publishUntilCurrent(): Promise<void> {
      do {
        await this.publish();
        const patience = performance.now() + 1_000;
        await until(() => this.#isCurrent() || performance.now() > patience);
      } while (!this.#isCurrent());
    }

    /** Whether what was published last has arrived on every channel. Nodes deliver in no order that is common to them. */
    #isCurrent(): boolean {
      return [...this.published].every(([channel, count]) =>
        this.received.get(channel)?.includes(String(count)),
      );
    }

    async #publish(
      channel: string,
      publish: (channel: string, message: string) => Promise<unknown>,
    ): Promise<void> {
      const number = (this.published.get(channel) ?? 0) + 1;
      this.published.set(channel, number);
      await publish(channel, String(number));
    }

    #receive(channel: string, message: string): void {
      const messages = this.received.get(channel) ?? [];
      messages.push(message);
      this.received.set(channel, messages);
    }
  }

  async function start(variant: ClusterVariant): Promise<Trial> {
    const { cluster, options } = await cache.connect(variant, {
      cluster: { shardedSubscribers: true },
    });
    const { authenticator } = options.redisOptions;
    const { cluster: publisher } = await cache.connect(variant, { authenticator });
    const trial = new Trial(variant.name, cluster, publisher);
    authenticator.on('recycled', (event) => trial.recycled.push(event));
    await cluster.subscribe(trial.news);
    await cluster.psubscribe(trial.pattern);
    for (const channel of trial.sharded) await cluster.ssubscribe(channel);
    await trial.publishUntilCurrent();
    void expiries(2, authenticator).then(() => (trial.isOver = true));
    return trial;
  }

  // Each waits for the same expiries.
  it('live through token expiries: those of a channel, of a pattern, and sharded ones', async () => {
    await Promise.all(
      CLUSTER_VARIANTS.map(async (variant) => {
        const trial = await start(variant);
        await trial.publishUntil(() => trial.isOver);
        const { received, recycled, published } = trial;
        if (variant.protocol === 2) {
          // The cluster's own subscriber, and three sharded ones, for each of three tokens at least.
          await until(() => recycled.length >= 12);
          for (const event of recycled) {
            expect(event).to.include({ reason: 'subscriber', delivery: 'best-effort' });
          }
        } else {
          expect(recycled).to.deep.equal([]);
        }
        await trial.publishUntilCurrent();
        for (const [channel, count] of published) {
          const numbers = received.get(channel) ?? [];
          if (variant.protocol === 3) {
            // Nothing was replaced: each has come exactly once.
            await until(() => numbers.length >= count);
            expect(new Set(numbers).size, channel).to.equal(numbers.length);
          } else {
            expect(new Set(numbers).size, channel).to.be.above(count / 2);
          }
        }
      }),
    );
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
