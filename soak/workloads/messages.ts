import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Multiplexer } from '../../lib/index.js';
import { becomes, Loop } from '../loop.js';
import { DELIVERY, type Surroundings, type Workload } from './workload.js';

/** A receiver of messages. If it is exact, every message must arrive while no connection breaks. */
export interface Receiver {
  readonly name: string;
  readonly isExact: boolean;
  readonly client: Redis | Multiplexer;
  readonly received: number[];
}

/** Publishes numbers, and checks that they arrive in order, and all of them where that is promised. */
export class Messages implements Workload {
  static readonly CHANNEL = 'news';
  readonly #receivers: readonly Receiver[];
  readonly #around: Surroundings;
  readonly #publisher: Loop;
  #published = 0;
  #first = 1;

  constructor(receivers: readonly Receiver[], around: Surroundings) {
    this.#receivers = receivers;
    this.#around = around;
    this.#publisher = new Loop(async () => {
      this.#published += 1;
      await around.azure.server.call('PUBLISH', Messages.CHANNEL, this.#published);
      await sleep(20);
    });
  }

  start(): void {
    for (const { received } of this.#receivers) received.length = 0;
    this.#first = this.#published + 1;
    this.#publisher.start();
  }

  async pause(): Promise<void> {
    await this.#publisher.pause();
    if (!this.#around.ledger.mayBreak) await Promise.all(this.#receivers.map((each) => this.#check(each)));
  }

  async served(): Promise<void> {
    await Promise.all(this.#receivers.map(({ client }) => becomes(() => client.status === 'ready', 60_000)));
  }

  async #check({ name, isExact, received }: Receiver): Promise<void> {
    const { ledger } = this.#around;
    const count = this.#published + 1 - this.#first;
    if (isExact) {
      await becomes(() => received.length >= count, DELIVERY);
      if (received.length !== count)
        ledger.violate(`${name} received ${received.length} messages of ${count}`);
    }
    if (received.some((number, index) => index > 0 && number <= (received[index - 1] ?? 0)))
      ledger.violate(`${name} received messages out of order`);
    ledger.count('messages', received.length);
  }
}
