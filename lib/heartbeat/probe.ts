import type { ProbeConnection } from '../ioredis/probe-connection.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';

/** The waits between the attempts of a probe that is not answered, in ms. */
const RETRY: Backoff = { minTimeout: 1_000, maxTimeout: 10_000, factor: 2, randomize: true };

/** Finds out whether a server answers, over one connection at a time. */
export class Probe {
  #connection: ProbeConnection | undefined;
  /** When the pending PING was sent (`performance.now()`). */
  #askedAt: number | undefined;
  #answeringSince: number | undefined;
  #failures = 0;
  #nextAttemptAt = 0;
  #isUnreachable = false;

  /** Whether the last attempt did not reach the server. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** For how long the server has answered every PING, in ms. */
  get answeringFor(): number {
    return this.#answeringSince === undefined ? 0 : performance.now() - this.#answeringSince;
  }

  /**
   * Connects, or sends the next PING; does nothing while a reply is pending.
   *
   * @param timeout The time within which the server must answer, in ms.
   */
  ask(timeout: number, connect: () => ProbeConnection): void {
    const now = performance.now();
    if (this.#askedAt !== undefined) {
      if (now - this.#askedAt > timeout) this.#fail();
    } else if (this.#connection) {
      this.#await(this.#connection, this.#connection.ping());
    } else if (now >= this.#nextAttemptAt) {
      this.#connection = connect();
      this.#await(this.#connection, this.#connection.open());
    }
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#askedAt = undefined;
    this.#answeringSince = undefined;
  }

  #await(connection: ProbeConnection, answer: Promise<void>): void {
    this.#askedAt = performance.now();
    answer.then(
      () => {
        if (connection === this.#connection) this.#answered();
      },
      () => {
        if (connection === this.#connection) this.#fail();
      },
    );
  }

  #answered(): void {
    this.#askedAt = undefined;
    this.#answeringSince ??= performance.now();
    this.#failures = 0;
    this.#isUnreachable = false;
  }

  #fail(): void {
    this.#isUnreachable = this.#connection?.isUnreachable ?? false;
    this.close();
    this.#failures += 1;
    this.#nextAttemptAt = performance.now() + backoffDelay(this.#failures, RETRY);
  }
}
