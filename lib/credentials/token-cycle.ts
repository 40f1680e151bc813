import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoffDelay } from '../timing/backoff.js';
import { Deadline } from '../timing/deadline.js';
import { traceTokenRefresh } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';
import type { CredentialsEvents, RefreshingCredentialsProvider } from './credentials.js';
import { attemptTimeout, acquireFirst, retryAfter, type AttemptSettings } from './retry.js';
import { nextPoll, refreshTime } from './schedule.js';
import type { Token } from './token.js';
import { raceSignal } from '../timing/timeouts.js';

/** How the life cycle of a token runs. */
export interface TokenCycleSettings extends AttemptSettings {
  readonly expirationRefreshRatio: number;
}

/** Asks once for a token, for at most `timeout` ms. */
export type TokenRequest = (timeout: number) => Promise<Token>;

/** The shortest time between two attempts that gave no new token, in ms, however many connections wait for one. */
const MIN_REQUEST_INTERVAL = 1_000;

/** The share of the token's remaining life after which a failed attempt is repeated at the latest. */
const MAX_WAIT_SHARE = 1 / 4;

/** The longest time between two looks at the clocks, in ms: a process that was suspended catches up within it. */
const MAX_TIMER_INTERVAL = 60_000;

/**
 * Keeps one identity's token fresh: asks for the next one before the current one ends, one question at a time, for as
 * long as it runs.
 *
 * All of its state is the current token, when to ask for the next, and how many questions in a row have failed.
 */
export class TokenCycle extends EventEmitter<CredentialsEvents> implements RefreshingCredentialsProvider {
  readonly #request: TokenRequest;
  readonly #settings: TokenCycleSettings;
  #current: Token;
  #askAt: Deadline;
  #failures = 0;
  /** Before this moment no connection asks: the identity service has just had no new token, or wants to be left alone. */
  #pausedUntil: Deadline | undefined;
  #lastError: AzureRedisError | undefined;
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #closedWith: AzureRedisError | undefined;

  private constructor(request: TokenRequest, settings: TokenCycleSettings, first: Token) {
    super();
    this.#request = request;
    this.#settings = settings;
    this.#current = first;
    this.#askAt = new Deadline(refreshTime(first, settings.expirationRefreshRatio));
  }

  /** Gets the first token. @throws AzureRedisError as {@link acquireFirst} does. */
  static async start(request: TokenRequest, settings: TokenCycleSettings): Promise<TokenCycle> {
    const attempt = (timeout: number): Promise<Token> => traceTokenRefresh(undefined, () => request(timeout));
    return new TokenCycle(request, settings, await acquireFirst(attempt, settings));
  }

  get username(): string {
    return this.#current.username;
  }

  get current(): Token {
    return this.#current;
  }

  /** Starts to refresh the token; does nothing when it is running. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#arm();
  }

  /** Stops all timers; `run()` wakes it. */
  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** Ends it for good: whoever wants a token from now on gets `reason`. */
  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
    this.stop();
  }

  /** Asks for a new token now, or joins the question that is under way. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
      this.#arm();
    });
    return this.#asking;
  }

  /** Resolves once the current token has life left; rejects with what stands in the way once `signal` is aborted. */
  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    this.#requireOpen();
    while (!this.#current.isUsable()) {
      if (signal.aborted) throw this.#lastError ?? tookTooLong();
      await this.#nextAnswer(signal);
      this.#requireOpen();
    }
  }

  /**
   * The server refused the current token. If it is no longer quite new, it may have ended without this being known
   * here: the clock of this machine may have been wrong when the identity library said when it would.
   */
  reportRejected(): void {
    if (this.#current.isFresh() || this.#pause > 0) return;
    // A failure has been reported by `refreshFailed`.
    this.refresh().catch(() => undefined);
  }

  #requireOpen(): void {
    if (this.#closedWith) throw this.#closedWith;
  }

  /** For how long nobody asks, in ms. */
  get #pause(): number {
    return Math.max(0, this.#pausedUntil?.remaining ?? 0);
  }

  /** Waits for the answer to the next question that may be asked, or until `signal` is aborted. */
  async #nextAnswer(signal: AbortSignal): Promise<void> {
    const pause = this.#pause;
    const answer = pause > 0 ? sleep(pause, undefined, { ref: false }) : this.refresh();
    // Why there is no token is kept in #lastError and has been reported by `refreshFailed`.
    await raceSignal(answer, signal).catch(() => undefined);
  }

  async #ask(): Promise<void> {
    const timeout = attemptTimeout(this.#settings, this.#failures);
    try {
      this.#accept(await traceTokenRefresh(this.username, () => this.#request(timeout)));
    } catch (error) {
      throw this.#fail(error instanceof AzureRedisError ? error : unexpectedFailure(error));
    }
  }

  #accept(token: Token): void {
    if (token.username !== this.#current.username) throw anotherIdentity();
    this.#failures = 0;
    this.#pausedUntil = undefined;
    this.#lastError = undefined;
    if (!token.isNewerThan(this.#current)) {
      const now = Date.now();
      this.#askAt = new Deadline(nextPoll(this.#current, now));
      // A cache answers at once: connections that wait for another token would ask it without end.
      this.#pausedUntil = new Deadline(now + MIN_REQUEST_INTERVAL);
      return;
    }
    this.#current = token;
    this.#askAt = new Deadline(refreshTime(token, this.#settings.expirationRefreshRatio));
    this.emit('refreshed', token);
  }

  #fail(error: AzureRedisError): AzureRedisError {
    this.#failures += 1;
    this.#lastError = error;
    const pause = Math.max(MIN_REQUEST_INTERVAL, retryAfter(error));
    // The less life is left, the more often: a token that could be had must not come too late.
    const urgency = Math.max(0, this.#current.remaining * MAX_WAIT_SHARE);
    const backoff = Math.min(urgency, backoffDelay(this.#failures, this.#settings.retry));
    const now = Date.now();
    this.#pausedUntil = new Deadline(now + pause);
    this.#askAt = new Deadline(now + Math.max(pause, backoff));
    this.emit('refreshFailed', error);
    return error;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (!this.#running) return;
    const wait = Math.min(MAX_TIMER_INTERVAL, Math.max(0, this.#askAt.remaining));
    this.#timer = setTimeout(() => {
      this.#wake();
    }, wait);
    this.#timer.unref();
  }

  #wake(): void {
    if (this.#askAt.remaining > 0) {
      this.#arm();
      return;
    }
    // A failure has been reported by `refreshFailed`, and the next attempt is set.
    this.refresh().catch(() => undefined);
  }
}

function anotherIdentity(): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_INVALID',
    'The credential returned an access token of another identity than before.',
    'Use one authenticator for each identity; a running connection cannot change its user.',
  );
}

function unexpectedFailure(error: unknown): AzureRedisError {
  return new AzureRedisError('TOKEN_UNAVAILABLE', 'No access token could be made use of.', 'See the cause.', {
    cause: error,
  });
}

function tookTooLong(): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    'No access token could be had before the connection timed out.',
    'Check that the identity service can be reached from here, or raise `connectTimeout`.',
  );
}
