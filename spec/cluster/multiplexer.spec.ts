import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import { Multiplexer, type AuthenticatorEvents } from '../../lib/index.js';
import { ClusteredCache } from '../support/clustered-cache.js';
import { tokenOptions } from '../support/token-options.js';
import { expiries, times, until } from '../support/waiting.js';

/** Messages a second, as far as the machine keeps up; what is late is made up for. */
const RATE = 500;

/** A multiplexer that publishes numbers, what it has received of them, and what has happened to it. */
class Trial {
  readonly multiplexer: Multiplexer<Cluster>;
  readonly received: number[] = [];
  readonly recycled: AuthenticatorEvents['recycled'][0][] = [];
  readonly failures: unknown[] = [];
  published = 0;
  #isOver = false;

  constructor(multiplexer: Multiplexer<Cluster>) {
    this.multiplexer = multiplexer;
    multiplexer.on('error', (error) => this.failures.push(error));
    multiplexer.on('connectionLost', (event) => this.failures.push(event));
    multiplexer.authenticator.on('recycled', (event) => this.recycled.push(event));
  }

  /** Resolves when all that was published until the end has arrived. */
  async run(): Promise<void> {
    const { multiplexer, received } = this;
    const channel = `news over RESP${multiplexer.protocol}`;
    await multiplexer.subscribe(channel, (message) => received.push(Number(message)));
    const start = performance.now();
    while (!this.#isOver) {
      const due = ((performance.now() - start) / 1_000) * RATE;
      const replies: Promise<unknown>[] = [];
      for (; this.published < due; this.published += 1) {
        replies.push(multiplexer.publish(channel, String(this.published)));
      }
      await Promise.all(replies);
      await sleep(2);
    }
    await until(() => received.length >= this.published);
  }

  end(): void {
    this.#isOver = true;
  }
}

describe('the multiplexer of a cluster whose masters fail over while tokens expire', () => {
  const cache = ClusteredCache.forAll({ tokenLifetime: 4_000 });

  async function start(protocol: 2 | 3): Promise<Trial> {
    const multiplexer = await Multiplexer.connect({
      ...cache.azure.options,
      ...tokenOptions(cache.azure),
      protocol,
      cluster: {},
    });
    expect(multiplexer.protocol).to.equal(protocol);
    return new Trial(multiplexer);
  }

  it('loses and repeats no message, and stays on its node', async () => {
    const overResp3 = await start(3);
    const overResp2 = await start(2);
    const trials = [overResp3, overResp2];
    const running = Promise.all(trials.map((trial) => trial.run()));
    const { authenticator } = overResp2.multiplexer;
    // First in peace, then with a failover at each new token.
    await expiries(1, authenticator);
    for (const master of await cache.cluster.masters()) {
      await times(1, authenticator, 'tokenRefreshed');
      await cache.cluster.failover(master);
    }
    await expiries(1, authenticator);
    for (const trial of trials) trial.end();
    await running;
    await Promise.all(trials.map(({ multiplexer }) => multiplexer.close()));

    for (const { received, published, failures } of trials) {
      expect(failures).to.deep.equal([]);
      // Messages of several nodes have no order in common.
      expect(received.sort((one, other) => one - other)).to.deep.equal(
        Array.from({ length: published }, (_, number) => number),
      );
    }
    expect(overResp3.recycled).to.deep.equal([]);
    const { recycled } = overResp2;
    expect(recycled.length).to.be.at.least(6);
    expect(recycled.every(({ delivery }) => delivery === 'exactly-once')).to.equal(true);
    expect(new Set(recycled.map(({ endpoint }) => endpoint)).size).to.equal(1);
    expect(cache.azure.statistics.evictions).to.deep.equal([]);
  });
});
