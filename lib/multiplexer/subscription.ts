import type { SubscriptionKind, Message } from './channels.js';
import { MessageQueue } from './message-queue.js';

/**
 * Called with each message, in the order of publication: the message, the channel that it was published to, and, for
 * patterns, the pattern that matched.
 *
 * Its errors do not affect other listeners: they are emitted as the multiplexer's `error` event.
 */
export type MessageListener<Payload extends string | Buffer = string> = (
  message: Payload,
  channel: string,
  pattern: string | undefined,
) => unknown;

/** A message in the iteration over a subscription. */
export interface ChannelMessage<Payload extends string | Buffer = string> {
  /** The channel that it was published to. */
  readonly channel: string;
  /** The message, a string or with `buffers` a Buffer. */
  readonly message: Payload;
  /** The pattern that matched the channel; only with `psubscribe()`. */
  readonly pattern?: string;
}

/** The options of `subscribe()`, `psubscribe()` and `ssubscribe()`. */
export interface SubscribeOptions {
  /** Whether messages are Buffers, with the bytes as published, instead of strings. Default: false. */
  buffers?: boolean | undefined;
  /**
   * The number of messages that are queued for the iteration. Further messages are dropped, and the iteration throws an
   * AzureRedisError `BUFFER_OVERFLOW` after the queued ones. Default: 1000.
   */
  bufferSize?: number | undefined;
}

/** Options with which messages are strings, the default. */
export type TextOptions = SubscribeOptions & { buffers?: false | undefined };

/** The type of messages with these options. */
export type PayloadOf<Options extends SubscribeOptions> = Options extends { buffers: true }
  ? Buffer
  : Options extends TextOptions
    ? string
    : string | Buffer;

/** The parts of a subscription. */
export interface SubscriptionParts<Payload extends string | Buffer> {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  readonly decode: (payload: Buffer) => Payload;
  readonly bufferSize: number;
  readonly listener: MessageListener<Payload> | undefined;
  /** Called with an error of the listener. */
  readonly failed: (error: unknown, channel: string) => void;
  /** Called when the subscription ends. */
  readonly leave: () => Promise<void>;
}

/**
 * The subscription to some channels or patterns, until `unsubscribe()`. It is an async iterable.
 *
 * Without a listener, messages are queued for the iteration from the time of the subscription; with one, from the start of
 * the iteration. Leaving the loop does not unsubscribe: another loop continues with the queued messages. With several loops
 * at a time, each message goes to one of them.
 *
 * @example
 * ```ts
 * await using news = await multiplexer.subscribe('news');
 * for await (const { channel, message } of news) console.log(channel, message);
 * ```
 */
export class Subscription<Payload extends string | Buffer = string>
  implements AsyncIterable<ChannelMessage<Payload>>, AsyncDisposable
{
  readonly #parts: SubscriptionParts<Payload>;
  #queue: MessageQueue<ChannelMessage<Payload>> | undefined;
  #left: Promise<void> | undefined;
  #ended = false;

  /** @internal Created by the multiplexer. */
  constructor(parts: SubscriptionParts<Payload>) {
    this.#parts = parts;
    if (!parts.listener) this.#queue = new MessageQueue(parts.bufferSize);
  }

  /** The subscribed channels or patterns. */
  get channels(): readonly string[] {
    return this.#parts.names;
  }

  /** @internal */
  get kind(): SubscriptionKind {
    return this.#parts.kind;
  }

  /**
   * Ends the subscription: the listener is no longer called, and iterations end after the queued messages. Resolves once the
   * server has confirmed it, if no other subscription has the channels. Further calls have no effect.
   */
  unsubscribe(): Promise<void> {
    if (!this.#left) {
      this.end();
      this.#left = this.#parts.leave();
    }
    return this.#left;
  }

  /** As `unsubscribe()`: `await using subscription = await multiplexer.subscribe(channel)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  /** Iterates over the messages. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ChannelMessage<Payload>, undefined> {
    const queue = this.#waitingMessages();
    const iterator: AsyncIterableIterator<ChannelMessage<Payload>, undefined> = {
      next: () => queue.next(iterator),
      return: () => {
        queue.leave(iterator);
        // The listener receives the messages: they need not be queued for a loop that has ended.
        if (this.#parts.listener && this.#queue === queue) this.#queue = undefined;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** @internal A message arrived for one of its channels. */
  receive({ kind, name, channel, payload }: Message): void {
    if (this.#ended) return;
    const { decode, listener } = this.#parts;
    const message = decode(payload);
    const pattern = kind === 'psubscribe' ? name : undefined;
    this.#queue?.push({ channel, message, ...(pattern !== undefined && { pattern }) });
    if (listener) this.#call(listener, message, channel, pattern);
  }

  /** @internal No more messages arrive. */
  end(): void {
    this.#ended = true;
    this.#queue?.end();
  }

  #waitingMessages(): MessageQueue<ChannelMessage<Payload>> {
    if (!this.#queue) {
      this.#queue = new MessageQueue(this.#parts.bufferSize);
      if (this.#ended) this.#queue.end();
    }
    return this.#queue;
  }

  #call(
    listener: MessageListener<Payload>,
    message: Payload,
    channel: string,
    pattern: string | undefined,
  ): void {
    const { failed } = this.#parts;
    try {
      const result = listener(message, channel, pattern);
      if (!(result instanceof Promise)) return;
      result.catch((error: unknown) => {
        failed(error, channel);
      });
    } catch (error) {
      failed(error, channel);
    }
  }
}
