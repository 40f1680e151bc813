import { SUBSCRIPTION_KINDS, PRIVATE_PREFIX, type SubscriptionKind, type Message } from './channels.js';

/** A receiver of messages. */
export interface Receiver {
  readonly kind: SubscriptionKind;
  readonly channels: readonly string[];
  receive(message: Message): void;
  end(): void;
}

/** The receivers of each channel and pattern. */
export class Subscriptions {
  readonly #receivers: Readonly<Record<SubscriptionKind, Map<string, Set<Receiver>>>> = {
    subscribe: new Map(),
    psubscribe: new Map(),
    ssubscribe: new Map(),
  };

  #delivered = 0;

  /** How many messages were delivered. */
  get delivered(): number {
    return this.#delivered;
  }

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

  /** Whether this channel or pattern has a receiver. */
  has(kind: SubscriptionKind, name: string): boolean {
    return this.#receivers[kind].has(name);
  }

  /** The channels or patterns that have receivers. */
  wanted(kind: SubscriptionKind): string[] {
    return [...this.#receivers[kind].keys()];
  }

  deliver(message: Message): void {
    const receivers = this.#receivers[message.kind].get(message.name);
    if (!receivers || message.channel.startsWith(PRIVATE_PREFIX)) return;
    this.#delivered += 1;
    // A copy: a receiver that is added during the delivery receives the next message.
    for (const receiver of [...receivers]) receiver.receive(message);
  }

  /** Ends all receivers. */
  end(): void {
    for (const kind of SUBSCRIPTION_KINDS) {
      for (const receivers of this.#receivers[kind].values()) {
        for (const receiver of receivers) receiver.end();
      }
      this.#receivers[kind].clear();
    }
  }
}
