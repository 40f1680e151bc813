import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from '../../../lib/index.js';
import type { Variant } from '../../support/ioredis-versions.js';

/** A transaction that a client keeps open. */
interface Transaction {
  /** The reply that EXEC must receive. */
  readonly results: string[];
  /** Its connection has closed: the commands that follow are part of no transaction. */
  isLost: boolean;
}

/** A client, with the replies that it must receive. */
export class Caller {
  readonly name: string;
  readonly redis: Redis;
  hasEnded = false;
  #transaction: Transaction | undefined;
  readonly #transactions: Transaction[] = [];
  #sent = 0;
  #settled = 0;
  readonly #violated: (what: string) => void;

  constructor(
    variant: Variant,
    name: string,
    options: ConfiguredRedisOptions,
    violated: (what: string) => void,
  ) {
    this.name = name;
    this.#violated = violated;
    this.redis = new variant.Redis({ ...options, protocol: variant.protocol, connectionName: name });
    this.redis.on('error', () => undefined);
    this.redis.on('close', () => {
      for (const transaction of this.#transactions) transaction.isLost = true;
    });
  }

  get isInTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  get awaitsNothing(): boolean {
    return this.#settled === this.#sent;
  }

  /** ioredis emits no event for this while the client waits for its next attempt to connect. */
  end(): void {
    this.hasEnded = true;
    this.redis.disconnect();
  }

  echo(): void {
    const text = `${this.name}: ${this.#sent}`;
    this.#expect(this.redis.echo(text), this.#transaction ? 'QUEUED' : text);
    this.#transaction?.results.push(text);
  }

  begin(): void {
    this.#transaction = { results: [], isLost: false };
    this.#transactions.push(this.#transaction);
    this.#expect(this.redis.multi({ pipeline: false }), 'OK');
  }

  execute(): void {
    this.#expect(this.redis.call('EXEC'), this.#transaction?.results);
    this.#transaction = undefined;
  }

  discard(): void {
    this.#expect(this.redis.discard(), 'OK');
    this.#transaction = undefined;
  }

  #expect(reply: Promise<unknown>, expected: unknown): void {
    const transaction = this.#transaction;
    this.#sent += 1;
    void reply
      .then(
        (value) => {
          if (transaction?.isLost || fc.stringify(value) === fc.stringify(expected)) return;
          this.#violated(`${fc.stringify(value)} instead of ${fc.stringify(expected)}`);
        },
        (error: unknown) => {
          if (!transaction?.isLost && !this.hasEnded) this.#violated(`a command failed: ${String(error)}`);
        },
      )
      .finally(() => {
        this.#settled += 1;
      });
  }
}
