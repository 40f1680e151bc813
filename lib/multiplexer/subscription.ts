import type { SubscriptionKind, Message } from './channels.js';
import { MessageQueue } from './message-queue.js';

/**
 * Called with each message, in the order of publication: the message, the channel that it was published to, and, for
 * patterns, the pattern that matched.
 *
 * What it throws, or rejects with, harms no other listener: the multiplexer's `error` event tells of it.
 */
export type MessageListener<Payload extends string | Buffer = string> = (
  message: Payload,
  channel: string,
  pattern: string | undefined,
) => unknown;

/** A message, as iterating over a subscription gives it. */
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
  /** Whether messages are given as Buffers, byte by byte as they were published, and not as texts. Default: false. */
  buffers?: boolean | undefined;
  /**
   * How many messages may wait to be iterated over. If more come, they are dropped, and the iteration throws an
   * AzureRedisError `BUFFER_OVERFLOW` after those that waited. Default: 1000.
   */
  bufferSize?: number | undefined;
}

/** Options that ask for texts, as no options do. */
export type TextOptions = SubscribeOptions & { buffers?: false | undefined };

/** What messages are given as with these options. */
export type PayloadOf<Options extends SubscribeOptions> = Options extends { buffers: true }
  ? Buffer
  : Options extends TextOptions
    ? string
    : string | Buffer;

/** What a subscription is made of. */
export interface SubscriptionParts<Payload extends string | Buffer> {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  readonly decode: (payload: Buffer) => Payload;
  readonly bufferSize: number;
  readonly listener: MessageListener<Payload> | undefined;
  /** Tells of an error of the listener. */
  readonly failed: (error: unknown, channel: string) => void;
  /** Called when the subscription ends: no message is wanted any more. */
  readonly leave: () => Promise<void>;
}

/**
 * What `subscribe()`, `psubscribe()` and `ssubscribe()` give: the messages of some channels, until `unsubscribe()`.
 *
 * It can be iterated over. Without a listener, messages wait for that from the beginning on; with one, from the moment
 * when the iteration begins. Leaving the loop does not unsubscribe: another loop goes on with what waits. Of several
 * loops at a time, each message goes to one.
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

  /** @internal Made by the multiplexer. */
  constructor(parts: SubscriptionParts<Payload>) {
    this.#parts = parts;
    if (!parts.listener) this.#queue = new MessageQueue(parts.bufferSize);
  }

  /** The channels, or patterns, that are subscribed. */
  get channels(): readonly string[] {
    return this.#parts.names;
  }

  /** @internal */
  get kind(): SubscriptionKind {
    return this.#parts.kind;
  }

  /**
   * Ends it. From now on the listener is not called; a loop over it ends after the messages that wait. Resolves when the
   * server has been told, if nobody else wants the channels. May be called any number of times.
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
        // The listener gets the messages: nobody has to keep them for a loop that is over.
        if (this.#parts.listener && this.#queue === queue) this.#queue = undefined;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** @internal A message came for one of its channels. */
  receive({ kind, name, channel, payload }: Message): void {
    if (this.#ended) return;
    const { decode, listener } = this.#parts;
    const message = decode(payload);
    const pattern = kind === 'psubscribe' ? name : undefined;
    this.#queue?.push({ channel, message, ...(pattern !== undefined && { pattern }) });
    if (listener) this.#call(listener, message, channel, pattern);
  }

  /** @internal No message comes any more. */
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
