import { AzureRedisError } from '../errors.js';

/**
 * A queue of at most `limit` messages for the iteration over a subscription.
 *
 * When it is full, further messages are dropped. After the queued messages, the reader receives an error with the number of
 * dropped messages, so that none is lost silently; then the queue accepts messages again.
 */
export class MessageQueue<Message> {
  readonly #limit: number;
  readonly #waiting: Message[] = [];
  readonly #readers: Reader<Message>[] = [];
  #dropped = 0;
  #ended = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(message: Message): void {
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: message });
    else if (this.#dropped > 0 || this.#waiting.length >= this.#limit) this.#dropped += 1;
    else this.#waiting.push(message);
  }

  /** Ends the queue once its messages have been read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
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
  async next(owner: object): Promise<IteratorResult<Message, undefined>> {
    const [message] = this.#waiting.splice(0, 1);
    if (message !== undefined) return { done: false, value: message };
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

/** A read that waits for a message. */
interface Reader<Message> {
  readonly owner: object;
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
}
