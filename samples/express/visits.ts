import { randomUUID } from 'node:crypto';
import type { Multiplexer, Subscription } from 'ioredis-azure';

/** How long a visit counts after the last one of its page, in s. */
const LIFETIME = 24 * 60 * 60;

/**
 * The visits of pages.
 *
 * When a connection is lost, ioredis sends the commands again that were not answered, and the server may have run them
 * already. INCR would count twice. A visit is therefore an element of a set, which is added once however often it is sent.
 */
export class Visits {
  readonly #multiplexer: Multiplexer;
  readonly #prefix: string;

  constructor(multiplexer: Multiplexer, prefix: string) {
    this.#multiplexer = multiplexer;
    this.#prefix = prefix;
  }

  count(page: string): Promise<number> {
    return this.#multiplexer.interactive.scard(this.#key(page));
  }

  async add(page: string, id: string = randomUUID()): Promise<number> {
    const key = this.#key(page);
    const { interactive: redis } = this.#multiplexer;
    await redis.sadd(key, id);
    await redis.expire(key, LIFETIME);
    const count = await redis.scard(key);
    await this.#multiplexer.publish(key, String(count));
    return count;
  }

  /** The counts from now on. */
  follow(page: string): Promise<Subscription> {
    return this.#multiplexer.subscribe(this.#key(page));
  }

  #key(page: string): string {
    return `${this.#prefix}visits:${page}`;
  }
}
