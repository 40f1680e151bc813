import type { Multiplexer, Subscription } from 'ioredis-azure';

/** The store cannot answer at present. */
export class StoreUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The store of visits is unavailable.', { cause });
  }
}

/** How often pages have been visited. */
export interface VisitStore {
  count(page: string): Promise<number>;
  add(page: string): Promise<number>;
  set(page: string, count: number): Promise<void>;
  /** The counts of a page from now on, for a loop that ends with `unsubscribe()`. */
  follow(page: string): Promise<Subscription>;
}

export class RedisVisitStore implements VisitStore {
  readonly #multiplexer: Multiplexer;

  constructor(multiplexer: Multiplexer) {
    this.#multiplexer = multiplexer;
  }

  count(page: string): Promise<number> {
    return this.#ask(async () => Number((await this.#multiplexer.interactive.get(keyOf(page))) ?? 0));
  }

  add(page: string): Promise<number> {
    return this.#ask(async () => {
      const count = await this.#multiplexer.interactive.incr(keyOf(page));
      await this.#multiplexer.publish(keyOf(page), String(count));
      return count;
    });
  }

  set(page: string, count: number): Promise<void> {
    return this.#ask(async () => {
      await this.#multiplexer.interactive.set(keyOf(page), count);
      await this.#multiplexer.publish(keyOf(page), String(count));
    });
  }

  follow(page: string): Promise<Subscription> {
    return this.#ask(() => this.#multiplexer.subscribe(keyOf(page)));
  }

  /** What an error of Redis says is for the log, not for the users of the service. */
  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      throw new StoreUnavailableError(error);
    }
  }
}

function keyOf(page: string): string {
  return `visits:${page}`;
}
