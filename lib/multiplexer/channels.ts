import type { Redis } from 'ioredis';

/** The ways to subscribe, named as ioredis' methods: to channels, to patterns, to shard channels. */
export type SubscriptionKind = 'subscribe' | 'psubscribe' | 'ssubscribe';

export const SUBSCRIPTION_KINDS: readonly SubscriptionKind[] = ['subscribe', 'psubscribe', 'ssubscribe'];

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

type Send = (client: Redis, names: readonly string[]) => Promise<unknown>;

export const SUBSCRIBE: Readonly<Record<SubscriptionKind, Send>> = {
  subscribe: (client, names) => client.subscribe(...names),
  psubscribe: (client, names) => client.psubscribe(...names),
  ssubscribe: (client, names) => client.ssubscribe(...names),
};

export const UNSUBSCRIBE: Readonly<Record<SubscriptionKind, Send>> = {
  subscribe: (client, names) => client.unsubscribe(...names),
  psubscribe: (client, names) => client.punsubscribe(...names),
  ssubscribe: (client, names) => client.sunsubscribe(...names),
};

/** Calls `receive` with every message of a client, until the returned function is called. */
export function listenTo(client: Redis, receive: (message: Message) => void): () => void {
  // ioredis puts its `keyPrefix` before shard channels, but not before others.
  const { keyPrefix = '' } = client.options;
  const listeners = {
    messageBuffer: (channel: Buffer, payload: Buffer) => {
      const name = channel.toString();
      receive({ kind: 'subscribe', name, channel: name, payload });
    },
    pmessageBuffer: (pattern: string, channel: Buffer, payload: Buffer) => {
      receive({ kind: 'psubscribe', name: pattern, channel: channel.toString(), payload });
    },
    smessageBuffer: (channel: Buffer, payload: Buffer) => {
      const name = channel.toString().slice(keyPrefix.length);
      receive({ kind: 'ssubscribe', name, channel: name, payload });
    },
  };
  for (const [event, listener] of Object.entries(listeners)) client.on(event, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) client.off(event, listener);
  };
}
