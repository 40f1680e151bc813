import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { Loop } from '../loop.js';
import type { Surroundings, Workload } from './workload.js';

/** The counters of a window, which belong to different nodes of a cluster. */
const COUNTERS = 6;

/** Increments counters, and compares the acknowledged commands with the counters. */
export class Counting implements Workload {
  readonly #client: Cluster | Redis;
  readonly #name: string;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  #window = 0;
  #acknowledged: number[] = [];

  constructor(client: Cluster | Redis, name: string, around: Surroundings) {
    this.#client = client;
    this.#name = name;
    this.#around = around;
    this.#loops = [0, 1, 2].map(() => new Loop(() => this.#count()));
  }

  start(): void {
    this.#window += 1;
    this.#acknowledged = Array.from({ length: COUNTERS }, () => 0);
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
    const { call, ledger } = this.#around;
    for (const [counter, acknowledged] of this.#acknowledged.entries()) {
      const key = this.#keyOf(counter);
      const counted = Number(await call('GET', key));
      if (!ledger.mayBreak && counted !== acknowledged)
        ledger.violate(`${key}: ${counted} counted, ${acknowledged} acknowledged`);
    }
  }

  async served(): Promise<void> {
    const isAnswered = (key: string): Promise<boolean> =>
      this.#client.exists(key).then(
        () => true,
        () => false,
      );
    for (const counter of this.#acknowledged.keys()) {
      while (!(await isAnswered(this.#keyOf(counter)))) await sleep(20);
    }
  }

  #keyOf(counter: number): string {
    return `counter ${counter} of ${this.#name}, ${this.#window}`;
  }

  async #count(): Promise<void> {
    const { ledger, random } = this.#around;
    const counter = Math.floor(random.between(0, COUNTERS));
    try {
      await this.#client.incr(this.#keyOf(counter));
      this.#acknowledged[counter] = (this.#acknowledged[counter] ?? 0) + 1;
      ledger.count('commands');
    } catch (error) {
      ledger.failed('INCR', error);
    }
    await sleep(random.between(0, 4));
  }
}
