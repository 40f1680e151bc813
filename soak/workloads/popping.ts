import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { becomes, Loop } from '../loop.js';
import { answers, DELIVERY, type Surroundings, type Workload } from './workload.js';

/** Pops what is pushed, in commands that block. */
export class Popping implements Workload {
  readonly #client: Redis;
  readonly #queue: string;
  readonly #around: Surroundings;
  readonly #pusher: Loop;
  readonly #popper: Loop;
  #pushed = 0;
  #popped: number[] = [];

  constructor(client: Redis, name: string, around: Surroundings) {
    this.#client = client;
    this.#queue = `queue of ${name}`;
    this.#around = around;
    this.#pusher = new Loop(async () => {
      this.#pushed += 1;
      await around.call('LPUSH', this.#queue, this.#pushed);
      await sleep(around.random.between(10, 300));
    });
    this.#popper = new Loop(() => this.#pop());
  }

  start(): void {
    this.#pusher.start();
    this.#popper.start();
  }

  async pause(): Promise<void> {
    const { ledger } = this.#around;
    await this.#pusher.pause();
    if (!ledger.mayBreak) {
      await becomes(() => this.#popped.length >= this.#pushed, DELIVERY);
      if (this.#popped.length !== this.#pushed || this.#popped.some((number, index) => number !== index + 1))
        ledger.violate(`${this.#queue}: ${this.#popped.length} popped of ${this.#pushed}`);
    }
    await this.#popper.pause();
    await this.#around.call('DEL', this.#queue);
    this.#pushed = 0;
    this.#popped = [];
  }

  served(): Promise<void> {
    return answers(this.#client);
  }

  async #pop(): Promise<void> {
    const { ledger } = this.#around;
    try {
      const popped = await this.#client.brpop(this.#queue, 0.2);
      if (!popped) return;
      this.#popped.push(Number(popped[1]));
      ledger.count('blocking commands');
    } catch (error) {
      ledger.failed('BRPOP', error);
      await sleep(50);
    }
  }
}
