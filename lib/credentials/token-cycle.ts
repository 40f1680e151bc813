import { setTimeout as sleep } from 'node:timers/promises';
import { traceTokenRefresh } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';
import { tokenRequestError } from '../identities/identity-errors.js';
import { Deadline, raceSignal } from '../timing/timeouts.js';
import { type Credentials, CredentialsProvider } from './credentials.js';
import {
  acquireFirst,
  attemptTimeout,
  type AttemptSettings,
  minRequestInterval,
  nextPoll,
  pauseAfterFailure,
  refreshTime,
  retryAfter,
  retryWait,
} from './schedule.js';
import { NO_TOKEN, type Token } from './token.js';

export interface TokenCycleSettings extends AttemptSettings {
  readonly expirationRefreshRatio: number;
}

/** Requests a token once, for at most `timeout` ms; its error must not quote these secrets. */
export type TokenRequest = (timeout: number, secrets: readonly string[]) => Promise<Token>;

/** The longest time between two checks of the clocks, in ms: a process that was suspended catches up within it. */
const MAX_TIMER_INTERVAL = 60_000;

/**
 * Keeps the token of one identity fresh: while it runs, it requests the next token before the current one expires, with
 * at most one request at a time.
 *
 * Its state is the current token, the time of the next request, and the number of failures since the last success.
 */
export class TokenCycle extends CredentialsProvider {
  readonly #request: TokenRequest;
  readonly #settings: TokenCycleSettings;
  #current: Token;
  /** The token that the server refused last, although it had not expired. */
  #refused: Token | undefined;
  #refreshAt: Deadline;
  /** Until then, connections cause no request: one has just been answered, or the identity service asked for a pause. */
  #pausedUntil: Deadline;
  #failures = 0;
  #lastError: AzureRedisError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;

  /** @param first Without one, the first token is acquired when the cycle starts, or a connection waits for it. */
  constructor(request: TokenRequest, settings: TokenCycleSettings, first: Token = NO_TOKEN) {
    super();
    this.#request = request;
    this.#settings = settings;
    this.#current = first;
    this.#refreshAt = this.#refreshTimeOf(first);
    this.#pausedUntil = new Deadline(first.acquiredOn + minRequestInterval(first));
  }

  /** Acquires the first token. @throws AzureRedisError as {@link acquireFirst} does. */
  static async start(
    request: TokenRequest,
    settings: TokenCycleSettings,
    signal?: AbortSignal,
  ): Promise<TokenCycle> {
    const attempt = (timeout: number): Promise<Token> =>
      traceTokenRefresh(undefined, () => request(timeout, []));
    return new TokenCycle(request, settings, await acquireFirst(attempt, settings, signal));
  }

  get current(): Token {
    return this.#current;
  }

  get isUsable(): boolean {
    return !this.isClosed && this.#current.isUsable();
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    this.requireOpen();
    while (!this.isUsable) {
      if (signal.aborted) throw this.#lastError ?? tookTooLong();
      await this.#nextAnswer(signal);
      this.requireOpen();
    }
  }

  /**
   * Refreshes a token that the server refused, unless it is fresh. The token may have expired unnoticed: this machine's
   * clock may have been wrong when the identity library computed the expiry.
   */
  reportRejected(credentials: Credentials): void {
    if (credentials !== this.#current) return;
    this.#refused = this.#current;
    if (this.#current.isFresh() || this.#isPaused) return;
    // `refreshFailed` has reported a failure.
    this.refresh().catch(() => undefined);
  }

  /** Whether connections have to wait before they cause another request. */
  get #isPaused(): boolean {
    return this.#pausedUntil.remaining > 0;
  }

  /** Waits for the end of the pause, or for the answer to a request, or until `signal` is aborted. */
  async #nextAnswer(signal: AbortSignal): Promise<void> {
    const wait = Math.min(MAX_TIMER_INTERVAL, this.#pausedUntil.remaining);
    const answer = this.#isPaused
      ? sleep(wait, undefined, { ref: false, signal })
      : raceSignal(this.refresh(), signal);
    await answer.catch((error: unknown) => {
      // Nothing has worked yet: the client says why, and tries again. Later, #lastError holds the reason of a failure, and
      // `refreshFailed` has reported it.
      if (this.#current === NO_TOKEN && !signal.aborted) throw error;
    });
  }

  protected async acquire(): Promise<void> {
    const timeout = attemptTimeout(this.#settings, this.#failures);
    const secrets = [this.#current.password];
    try {
      this.#accept(
        await traceTokenRefresh(this.username || undefined, () => this.#request(timeout, secrets)),
      );
    } catch (error) {
      const failure =
        error instanceof AzureRedisError
          ? error
          : tokenRequestError('The access token could not be used', error, secrets);
      this.#fail(failure);
      throw failure;
    } finally {
      this.#arm();
    }
  }

  #accept(token: Token): void {
    this.#failures = 0;
    this.#lastError = undefined;
    this.#pausedUntil = new Deadline(Date.now() + minRequestInterval(token));
    const previous = this.#current;
    if (!this.#isBetter(token)) {
      // By the clock of its expiry: the wall clock may have been set back.
      const now = previous.expiresOn - previous.remaining;
      this.#refreshAt = new Deadline(Date.now() + nextPoll(previous, now) - now);
      return;
    }
    this.#current = token;
    this.#refreshAt = this.#refreshTimeOf(token);
    if (this.isClosed) return;
    if (token.username !== previous.username && previous !== NO_TOKEN) {
      this.emit('identityChanged', { previous: previous.username, username: token.username });
    }
    this.emit('refreshed', token);
    void this.wakeConnections();
  }

  /** Whether to log in with this token from now on. Any other one is better than one that the server refused. */
  #isBetter(token: Token): boolean {
    const refused = this.#refused;
    if (refused?.isSame(token)) return false;
    return refused?.isSame(this.#current) === true || token.isNewerThan(this.#current);
  }

  #fail(error: AzureRedisError): void {
    this.#failures += 1;
    this.#lastError = error;
    const isFirst = this.#current === NO_TOKEN;
    // Without a token there is no connection to be kept, so that nothing is urgent.
    const remaining = isFirst ? Infinity : this.#current.remaining;
    const wait = Math.max(retryAfter(error), retryWait(this.#failures, remaining, this.#settings.retry));
    const pause = isFirst ? wait : Math.max(retryAfter(error), pauseAfterFailure(error.code));
    const now = Date.now();
    this.#pausedUntil = new Deadline(now + pause);
    this.#refreshAt = new Deadline(now + wait);
  }

  #refreshTimeOf(token: Token): Deadline {
    return new Deadline(refreshTime(token, this.#settings.expirationRefreshRatio));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (!this.#running) return;
    const wait = Math.min(MAX_TIMER_INTERVAL, Math.max(0, this.#refreshAt.remaining));
    this.#timer = setTimeout(() => {
      // `refreshFailed` has reported a failure, and the next attempt is scheduled.
      if (this.#refreshAt.remaining <= 0) this.refresh().catch(() => undefined);
      else this.#arm();
    }, wait);
    this.#timer.unref();
  }
}

function tookTooLong(): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    'No access token was acquired within `connectTimeout`.',
    'Check that the identity service can be reached from this machine, or raise `connectTimeout`.',
  );
}
