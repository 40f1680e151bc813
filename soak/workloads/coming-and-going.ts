import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfiguredRedisOptions } from '../../lib/index.js';
import type { Variant } from '../../spec/support/ioredis-versions.js';
import { Loop } from '../loop.js';
import { DELIVERY, type Surroundings, type Workload } from './workload.js';

/** Clients that come and go, at any moment. */
export class ComingAndGoing implements Workload {
  readonly #variants: readonly [Variant, ...Variant[]];
  readonly #options: ConfiguredRedisOptions;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  readonly #gone: WeakRef<object>[] = [];

  constructor(
    variants: readonly [Variant, ...Variant[]],
    options: ConfiguredRedisOptions,
    around: Surroundings,
  ) {
    this.#variants = variants;
    this.#options = options;
    this.#around = around;
    this.#loops = [0, 1].map(() => new Loop(() => this.#comeAndGo()));
  }

  /** How many that have gone are still held in memory. */
  get held(): number {
    return this.#gone.filter((reference) => reference.deref() !== undefined).length;
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
  }

  served(): Promise<void> {
    return Promise.resolve();
  }

  async #comeAndGo(): Promise<void> {
    const { ledger, random } = this.#around;
    const { Redis, protocol } = random.of(this.#variants);
    const client = new Redis({ ...this.#options, protocol });
    client.on('error', () => undefined);
    this.#gone.push(new WeakRef(client));
    ledger.count('clients that came and went');
    if (random.fraction() < 0.5) {
      const answered = client.ping().catch((error: unknown) => {
        ledger.failed('PING', error);
      });
      await Promise.race([answered, sleep(DELIVERY)]);
    } else {
      await sleep(random.between(0, 30));
    }
    client.disconnect();
    await sleep(random.between(0, 100));
  }
}
