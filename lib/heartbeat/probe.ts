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

  /** Sends the next PING, which must be answered within `timeout` ms; does nothing while one is pending. */
  ask(timeout: number, connect: () => ProbeConnection): void {
    const now = performance.now();
    if (this.#askedAt !== undefined && now - this.#askedAt > timeout) this.#failed(this.#connection);
    if (this.#askedAt !== undefined || now < this.#nextAttemptAt) return;
    this.#askedAt = now;
    const connection = (this.#connection ??= connect());
    connection.ping().then(
      () => {
        if (connection !== this.#connection) return;
        this.#askedAt = undefined;
        this.#answeringSince ??= performance.now();
        this.#failures = 0;
      },
      () => {
        this.#failed(connection);
      },
    );
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#askedAt = undefined;
    this.#answeringSince = undefined;
  }

  #failed(connection: ProbeConnection | undefined): void {
    if (!connection || connection !== this.#connection) return;
    this.#isUnreachable = connection.isUnreachable;
    this.close();
    this.#failures += 1;
    this.#nextAttemptAt = performance.now() + backoffDelay(this.#failures, RETRY);
  }
}
