import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Loop } from '../loop.js';
import { answers, type Surroundings, type Workload } from './workload.js';

/** Runs transactions of both kinds, and checks that every result belongs to its transaction. */
export class Transactions implements Workload {
  readonly #pipelined: Redis;
  readonly #open: Redis;
  readonly #around: Surroundings;
  readonly #loops: readonly Loop[];
  #number = 0;

  constructor(pipelined: Redis, open: Redis, around: Surroundings) {
    this.#pipelined = pipelined;
    this.#open = open;
    this.#around = around;
    this.#loops = [new Loop(() => this.#runPipelined()), new Loop(() => this.#runOpen())];
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  async pause(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.pause()));
  }

  served(): Promise<void> {
    return answers(this.#pipelined);
  }

  async #runPipelined(): Promise<void> {
    const { ledger, random } = this.#around;
    const value = this.#next();
    try {
      const results = await this.#pipelined.multi().echo(value).ping(value).exec();
      this.#check(results, [
        [null, value],
        [null, value],
      ]);
    } catch (error) {
      ledger.failed('a pipelined transaction', error);
    }
    await sleep(random.between(0, 10));
  }

  async #runOpen(): Promise<void> {
    const { ledger, random } = this.#around;
    const value = this.#next();
    try {
      await this.#open.multi({ pipeline: false });
      await this.#open.echo(value);
      await sleep(random.between(0, 300));
      await this.#open.echo(value);
      this.#check(await this.#open.call('EXEC'), [value, value]);
    } catch (error) {
      ledger.failed('an open transaction', error);
      // Its connection may be open, and so the transaction.
      await this.#open.call('DISCARD').catch(() => undefined);
    }
    await sleep(random.between(0, 100));
  }

  #next(): string {
    this.#number += 1;
    return `value ${this.#number}`;
  }

  #check(results: unknown, expected: unknown): void {
    const { ledger } = this.#around;
    const [found, wanted] = [JSON.stringify(results), JSON.stringify(expected)];
    if (found === wanted) ledger.count('transactions');
    else ledger.violate(`a transaction answered ${found} in place of ${wanted}`);
  }
}
