import { AzureRedisError } from '../errors.js';
import type { SubscriptionKind } from '../ioredis/client.js';
import { assertOption, checkFields, invalidOption, isText } from '../validation.js';
import type { Message } from './channels.js';

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
  /**
   * Whether messages are Buffers, with the bytes as published, instead of strings. Each subscription receives its own.
   * Default: false.
   */
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

/**
 * The arguments after the channels of `subscribe()`, `psubscribe()` or `ssubscribe()`: a listener, options, both or none.
 * Options are not callable, which distinguishes the two.
 */
export type SubscribeArguments<Options extends SubscribeOptions> =
  | [options: Options & { readonly call?: never }]
  | [listener?: MessageListener<PayloadOf<Options>>, options?: Options];

/** What is subscribed to, and how its messages are received: the arguments, validated and completed. */
export interface SubscriptionSettings<Payload extends string | Buffer> {
  readonly kind: SubscriptionKind;
  readonly names: readonly string[];
  readonly listener: MessageListener<Payload> | undefined;
  readonly buffers: boolean;
  readonly bufferSize: number;
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function subscriptionSettings<Options extends SubscribeOptions>(
  kind: SubscriptionKind,
  channels: string | readonly string[],
  [first, second]: SubscribeArguments<Options>,
): SubscriptionSettings<PayloadOf<Options>> {
  const given = typeof channels === 'string' ? [channels] : channels;
  assertOption(
    Array.isArray(given) && given.length > 0 && given.every(isText),
    'channels',
    channels,
    'a non-empty string, or an array of them',
  );
  const names = [...new Set(given)];
  if (typeof first === 'object' && second !== undefined) {
    throw invalidOption(
      `\`${kind}()\` got an object before its last argument.`,
      `Pass the listener first: ${kind}(channels, listener, options).`,
    );
  }
  const [listener, options]: readonly [MessageListener<PayloadOf<Options>> | undefined, Options | undefined] =
    typeof first === 'object' ? [undefined, first] : [first, second];
  assertOption(listener === undefined || typeof listener === 'function', 'listener', listener, 'a function');
  if (options !== undefined) checkFields('options', options, ['buffers', 'bufferSize']);
  const { buffers = false, bufferSize = 1_000 } = options ?? {};
  assertOption(typeof buffers === 'boolean', 'buffers', buffers, 'true or false');
  assertOption(
    typeof bufferSize === 'number' && bufferSize >= 1,
    'bufferSize',
    bufferSize,
    'a number from 1',
  );
  return { kind, names, listener, buffers, bufferSize };
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
  readonly #settings: SubscriptionSettings<Payload>;
  readonly #leave: () => Promise<void>;
  readonly #failed: (error: unknown, channel: string) => void;
  #queue: MessageQueue<ChannelMessage<Payload>> | undefined;
  /** The iterations that have not been left. */
  readonly #iterators = new Set<object>();
  #left: Promise<void> | undefined;
  #ended = false;

  /**
   * @internal Created by the multiplexer.
   *
   * @param leave Called once, when it is unsubscribed.
   * @param failed Called with each error of the listener.
   */
  constructor(
    settings: SubscriptionSettings<Payload>,
    leave: () => Promise<void>,
    failed: (error: unknown, channel: string) => void,
  ) {
    this.#settings = settings;
    this.#leave = leave;
    this.#failed = failed;
    if (!settings.listener) this.#queue = new MessageQueue(settings.bufferSize);
  }

  /** The subscribed channels or patterns. */
  get channels(): readonly string[] {
    return this.#settings.names;
  }

  /** @internal */
  get kind(): SubscriptionKind {
    return this.#settings.kind;
  }

  /**
   * Ends the subscription: the listener is no longer called, and iterations end after the queued messages. Resolves once the
   * server has confirmed it, if no other subscription has the channels. Further calls have no effect.
   */
  unsubscribe(): Promise<void> {
    if (!this.#left) {
      this.end();
      this.#left = this.#leave();
    }
    return this.#left;
  }

  /** As `unsubscribe()`: `await using subscription = await multiplexer.subscribe(channel)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  /** Iterates over the messages. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ChannelMessage<Payload>, undefined> {
    this.#queue ??= new MessageQueue(this.#settings.bufferSize);
    const queue = this.#queue;
    if (this.#ended) queue.end();
    const iterator: AsyncIterableIterator<ChannelMessage<Payload>, undefined> = {
      next: () => queue.next(iterator),
      return: () => {
        queue.leave(iterator);
        this.#iterators.delete(iterator);
        // The listener receives the messages: they need not be queued for loops that have ended.
        if (this.#settings.listener && this.#iterators.size === 0) this.#queue = undefined;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    this.#iterators.add(iterator);
    return iterator;
  }

  /** @internal A message arrived for one of its channels. */
  receive({ kind, name, channel, payload }: Message): void {
    if (this.#ended) return;
    const { buffers, listener } = this.#settings;
    // A copy, since other subscriptions receive it too. PayloadOf derives the type of the payload from `buffers`.
    const message = (buffers ? Buffer.from(payload) : payload.toString()) as Payload;
    const pattern = kind === 'psubscribe' ? name : undefined;
    this.#queue?.push({ channel, message, ...(pattern !== undefined && { pattern }) });
    try {
      const result = listener?.(message, channel, pattern);
      if (!(result instanceof Promise)) return;
      result.catch((error: unknown) => {
        this.#failed(error, channel);
      });
    } catch (error) {
      this.#failed(error, channel);
    }
  }

  /** @internal No more messages arrive. */
  end(): void {
    this.#ended = true;
    this.#queue?.end();
  }
}

/** A read that waits for a message. */
interface Reader<Item> {
  readonly owner: object;
  readonly resolve: (result: IteratorResult<Item, undefined>) => void;
}

/**
 * A queue of at most `limit` messages for the iteration over a subscription.
 *
 * When it is full, further messages are dropped. After the queued messages, the reader receives an error with the number of
 * dropped messages, so that none is lost silently; then the queue accepts messages again.
 */
export class MessageQueue<Item> {
  readonly #limit: number;
  /** The first `#read` of them have been read: removing each from the array would take time in proportion to its length. */
  readonly #items: Item[] = [];
  #read = 0;
  readonly #readers: Reader<Item>[] = [];
  #dropped = 0;
  #ended = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(item: Item): void {
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: item });
    else if (this.#dropped > 0 || this.#items.length - this.#read >= this.#limit) this.#dropped += 1;
    else this.#items.push(item);
  }

  /** Ends the queue once its messages have been read. */
  end(): void {
    this.#ended = true;
    for (const { resolve } of this.#readers.splice(0)) resolve({ done: true, value: undefined });
  }

  /** Ends the pending reads of this owner. */
  leave(owner: object): void {
    const left = this.#readers.filter((reader) => reader.owner === owner);
    for (const reader of left) {
      this.#readers.splice(this.#readers.indexOf(reader), 1);
      reader.resolve({ done: true, value: undefined });
    }
  }

  /**
   * The next message, for this owner.
   *
   * @throws AzureRedisError `BUFFER_OVERFLOW` if messages after the last one were dropped.
   */
  async next(owner: object): Promise<IteratorResult<Item, undefined>> {
    const item = this.#items[this.#read];
    if (item !== undefined) {
      this.#read += 1;
      if (this.#read * 2 >= this.#items.length) {
        this.#items.splice(0, this.#read);
        this.#read = 0;
      }
      return { done: false, value: item };
    }
    if (this.#dropped > 0) throw this.#overflow();
    if (this.#ended) return { done: true, value: undefined };
    return new Promise((resolve) => {
      this.#readers.push({ owner, resolve });
    });
  }

  #overflow(): AzureRedisError {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return new AzureRedisError(
      'BUFFER_OVERFLOW',
      `${dropped} messages were dropped: more than ${this.#limit} waited to be iterated over.`,
      'Read faster, raise `bufferSize`, or pass a listener to `subscribe()`, which is called for each message as it arrives.',
    );
  }
}
