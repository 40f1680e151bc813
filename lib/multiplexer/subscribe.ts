import type { AzureRedisError } from '../errors.js';
import type { SubscriptionKind } from './channels.js';
import { listenerFailed, shardChannelsUnsupported, subscriptionRefused } from './errors.js';
import { parseSubscribeArguments, type SubscribeArguments } from './subscribe-arguments.js';
import type { Subscriber } from './subscriber.js';
import { Subscription, type PayloadOf, type SubscribeOptions } from './subscription.js';
import type { Receiver, Subscriptions } from './subscriptions.js';

/** The dependencies of subscriptions. */
export interface SubscribeParts {
  /** The kinds of subscriptions that the connection can have. */
  readonly kinds: readonly SubscriptionKind[];
  readonly subscriptions: Subscriptions;
  /** @throws AzureRedisError `CLOSED` if there is none, or none any more. */
  subscriber(): Subscriber;
  isClosing(): boolean;
  failed(error: AzureRedisError): void;
}

/** Subscribes to channels or patterns. Resolves when the server has confirmed it. @throws AzureRedisError */
export async function subscribe<Options extends SubscribeOptions>(
  parts: SubscribeParts,
  kind: SubscriptionKind,
  channels: string | readonly string[],
  args: SubscribeArguments<Options>,
): Promise<Subscription<PayloadOf<Options>>> {
  const { names, listener, buffers, bufferSize } = parseSubscribeArguments(channels, args);
  if (!parts.kinds.includes(kind)) throw shardChannelsUnsupported();
  const subscriber = parts.subscriber();
  const subscription = new Subscription<PayloadOf<Options>>({
    kind,
    names,
    listener,
    bufferSize,
    // PayloadOf derives the type of the payload from the option `buffers`.
    decode: (payload) => (buffers ? payload : payload.toString()) as PayloadOf<Options>,
    failed: (error, channel) => {
      parts.failed(listenerFailed(error, channel));
    },
    leave: (): Promise<void> => leave(parts, subscriber, subscription),
  });
  parts.subscriptions.add(subscription);
  try {
    await subscriber.sync(kind, names);
  } catch (error) {
    parts.subscriptions.remove(subscription);
    subscription.end();
    throw subscriptionRefused(error, names);
  }
  return subscription;
}

async function leave(parts: SubscribeParts, subscriber: Subscriber, subscription: Receiver): Promise<void> {
  parts.subscriptions.remove(subscription);
  // The next connection subscribes only to the channels that are in use then.
  if (parts.isClosing() || !subscriber.connection.isLive) return;
  await subscriber.sync(subscription.kind, subscription.channels).catch((error: unknown) => {
    if (!parts.isClosing()) throw error;
  });
}
