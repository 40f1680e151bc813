import { setTimeout as sleep } from 'node:timers/promises';
import type { AuthenticatorEvents } from '../../lib/index.js';
import { becomes, Loop } from '../loop.js';
import { DELIVERY, type Surroundings, type Workload } from './workload.js';

/** How messages were delivered across the replacement of a connection. */
export type Delivery = AuthenticatorEvents['recycled'][0]['delivery'];

/** A receiver of messages. If it is exact, every message must arrive while no connection breaks. */
export interface Receiver {
  readonly name: string;
  readonly isExact: boolean;
  readonly received: number[];
  /** What was reported in this window. Without it, nothing may be reported that loses or repeats a message. */
  readonly deliveries?: Delivery[];
}

/** How a message is published: to a channel of the whole cache, or to a shard channel. */
export type Publish = 'PUBLISH' | 'SPUBLISH';

/** The time within which a receiver that is subscribed receives one of the messages, in ms. */
const PATIENCE = 60_000;

/** Publishes numbers, and checks that they arrive in order, and all of them where that is promised. */
export class Messages implements Workload {
  readonly #receivers: readonly Receiver[];
  readonly #around: Surroundings;
  readonly #publisher: Loop;
  #published = 0;
  #first = 1;

  constructor(publish: Publish, channel: string, receivers: readonly Receiver[], around: Surroundings) {
    this.#receivers = receivers;
    this.#around = around;
    this.#publisher = new Loop(async () => {
      this.#published += 1;
      await around.call(publish, channel, this.#published);
      await sleep(20);
    });
  }

  start(): void {
    for (const { received, deliveries = [] } of this.#receivers) received.length = deliveries.length = 0;
    this.#first = this.#published + 1;
    this.#publisher.start();
  }

  async pause(): Promise<void> {
    await this.#publisher.pause();
    if (!this.#around.ledger.mayBreak) await Promise.all(this.#receivers.map((each) => this.#check(each)));
  }

  /** Resolves when each has received a message that was published after the call. */
  async served(): Promise<void> {
    const last = this.#published;
    await Promise.all(
      this.#receivers.map(({ received }) => becomes(() => (received.at(-1) ?? 0) > last, PATIENCE)),
    );
  }

  async #check({ name, isExact, received, deliveries = [] }: Receiver): Promise<void> {
    const { ledger } = this.#around;
    const count = this.#published + 1 - this.#first;
    const isCertain = deliveries.every((delivery) => delivery === 'exactly-once');
    if (isExact && isCertain) {
      await becomes(() => received.length >= count, DELIVERY);
      if (received.length !== count)
        ledger.violate(`${name} received ${received.length} messages of ${count}`);
    }
    if (isCertain && received.some((number, index) => index > 0 && number <= (received[index - 1] ?? 0)))
      ledger.violate(`${name} received messages out of order`);
    ledger.count('messages', received.length);
  }
}
