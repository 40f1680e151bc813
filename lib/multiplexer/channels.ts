import type { SubscriptionKind } from '../ioredis/client.js';
import type { Subscription } from './subscription.js';

/** A message of one of the subscribed channels or patterns. */
export interface Message {
  readonly kind: SubscriptionKind;
  /** The subscribed channel or pattern. */
  readonly name: string;
  readonly channel: string;
  readonly payload: Buffer;
}

/** The prefix of private channels, whose messages are never delivered to the application, not even for the pattern `*`. */
export const PRIVATE_PREFIX = '__ioredis-azure:';

/** A subscription, whatever the type of its messages. */
type Receiver = Pick<Subscription, 'kind' | 'channels' | 'receive' | 'end'>;

/** The subscriptions to each channel and pattern. */
export class Subscriptions {
  readonly #receivers: Readonly<Record<SubscriptionKind, Map<string, Set<Receiver>>>> = {
    subscribe: new Map(),
    psubscribe: new Map(),
    ssubscribe: new Map(),
  };
  /** How many messages were delivered. */
  delivered = 0;

  add(receiver: Receiver): void {
    const byName = this.#receivers[receiver.kind];
    for (const name of receiver.channels) {
      const receivers = byName.get(name) ?? new Set();
      byName.set(name, receivers.add(receiver));
    }
  }

  remove(receiver: Receiver): void {
    const byName = this.#receivers[receiver.kind];
    for (const name of receiver.channels) {
      const receivers = byName.get(name);
      receivers?.delete(receiver);
      if (receivers?.size === 0) byName.delete(name);
    }
  }

  /** Whether this channel or pattern is in use. */
  has(kind: SubscriptionKind, name: string): boolean {
    return this.#receivers[kind].has(name);
  }

  /** The channels or patterns in use. */
  names(kind: SubscriptionKind): string[] {
    return [...this.#receivers[kind].keys()];
  }

  deliver(message: Message): void {
    const receivers = this.#receivers[message.kind].get(message.name);
    if (!receivers || message.channel.startsWith(PRIVATE_PREFIX)) return;
    this.delivered += 1;
    // A copy: a subscription that is added during the delivery receives the next message.
    for (const receiver of [...receivers]) receiver.receive(message);
  }

  /** Ends all subscriptions. */
  end(): void {
    for (const byName of Object.values(this.#receivers)) {
      for (const receivers of byName.values()) {
        for (const receiver of receivers) receiver.end();
      }
      byName.clear();
    }
  }
}
