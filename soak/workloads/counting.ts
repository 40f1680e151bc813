import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Loop } from '../loop.js';
import { answers, type Surroundings, type Workload } from './workload.js';

/** Increments counters, and compares the acknowledged commands with the counters. */
export class Counting implements Workload {
  readonly #client: Redis;
  readonly #name: string;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  #window = 0;
  #acknowledged = 0;

  constructor(client: Redis, name: string, around: Surroundings) {
    this.#client = client;
    this.#name = name;
    this.#around = around;
    this.#loops = [0, 1, 2].map(() => new Loop(() => this.#count()));
  }

  get #key(): string {
    return `counter of ${this.#name}, ${this.#window}`;
  }

  start(): void {
    this.#window += 1;
    this.#acknowledged = 0;
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
    const { azure, ledger } = this.#around;
    const counted = Number(await azure.server.call('GET', this.#key));
    if (!ledger.mayBreak && counted !== this.#acknowledged)
      ledger.violate(`${this.#key}: ${counted} counted, ${this.#acknowledged} acknowledged`);
  }

  served(): Promise<void> {
    return answers(this.#client);
  }

  async #count(): Promise<void> {
    const { ledger, random } = this.#around;
    try {
      await this.#client.incr(this.#key);
      this.#acknowledged += 1;
      ledger.count('commands');
    } catch (error) {
      ledger.failed('INCR', error);
    }
    await sleep(random.between(0, 4));
  }
}
