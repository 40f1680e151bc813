import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Credentials,
  CredentialsEvents,
  RefreshingCredentialsProvider,
} from '../lib/credentials/credentials.js';
import { attemptTimeout, retryAfter, type AttemptSettings } from '../lib/credentials/retry.js';
import { AzureRedisError } from '../lib/errors.js';
import { backoffDelay } from '../lib/timing/backoff.js';
import { closedBySignal, type CloseSignal } from '../lib/timing/close-signal.js';
import { Deadline, raceSignal } from '../lib/timing/timeouts.js';

/** No connection logs in with these: each waits until there are others. */
const NONE: Credentials = { username: '', password: '', expiresOn: 0, remaining: 0 };

/** Acquires the first token, in one attempt of at most `timeout` ms. */
export type Start = (timeout: number) => Promise<RefreshingCredentialsProvider>;

/**
 * A provider that acquires its first token when a connection waits for one, where the program that opens it cannot wait.
 * A failure is the error of the connections that wait; those that come after it wait for the next attempt, which follows
 * a pause. Once there is a token, everything is left to the provider that acquired it.
 */
export class FirstToken extends EventEmitter<CredentialsEvents> implements RefreshingCredentialsProvider {
  readonly #start: Start;
  readonly #settings: AttemptSettings;
  #provider: RefreshingCredentialsProvider | undefined;
  #attempt: Promise<void> | undefined;
  #failures = 0;
  #lastError: unknown;
  #pausedUntil = new Deadline(0);
  #isRunning = false;
  #closedWith: AzureRedisError | undefined;

  constructor(start: Start, settings: AttemptSettings) {
    super();
    this.#start = start;
    this.#settings = settings;
  }

  get username(): string {
    return this.#provider?.username ?? '';
  }

  get current(): Credentials {
    return this.#provider?.current ?? NONE;
  }

  get isUsable(): boolean {
    return this.#provider?.isUsable ?? false;
  }

  async waitUntilUsable(signal: AbortSignal): Promise<void> {
    if (this.#closedWith) throw this.#closedWith;
    if (!this.#provider) {
      await raceSignal(this.refresh(), signal).catch((error: unknown) => {
        throw signal.aborted ? (this.#lastError ?? tookTooLong()) : error;
      });
    }
    await this.#provider?.waitUntilUsable(signal);
  }

  refresh(): Promise<void> {
    if (this.#provider) return this.#provider.refresh();
    this.#attempt ??= this.#acquire().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  /** No connection is logged in before there is a token. */
  newerThan(credentials: Credentials | undefined, signal: CloseSignal): Promise<Credentials> {
    return this.#provider?.newerThan(credentials, signal) ?? Promise.reject(closedBySignal);
  }

  reportRejected(credentials: Credentials): void {
    this.#provider?.reportRejected(credentials);
  }

  start(): void {
    this.#isRunning = true;
    this.#provider?.start();
  }

  stop(): void {
    this.#isRunning = false;
    this.#provider?.stop();
  }

  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
    this.#provider?.close(reason);
  }

  async #acquire(): Promise<void> {
    await sleep(Math.max(0, this.#pausedUntil.remaining), undefined, { ref: false });
    try {
      this.#use(await this.#start(attemptTimeout(this.#settings, this.#failures)));
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error;
      const pause = Math.max(retryAfter(error), backoffDelay(this.#failures, this.#settings.retry));
      this.#pausedUntil = new Deadline(Date.now() + pause);
      if (error instanceof AzureRedisError) this.emit('refreshFailed', error);
      throw error;
    }
  }

  #use(provider: RefreshingCredentialsProvider): void {
    this.#provider = provider;
    provider.on('refreshed', (credentials) => this.emit('refreshed', credentials));
    provider.on('refreshFailed', (error) => this.emit('refreshFailed', error));
    provider.on('identityChanged', (change) => this.emit('identityChanged', change));
    if (this.#closedWith) provider.close(this.#closedWith);
    else if (this.#isRunning) provider.start();
    this.emit('refreshed', { username: provider.username, expiresOn: provider.current.expiresOn });
  }
}

function tookTooLong(): AzureRedisError {
  return new AzureRedisError(
    'TOKEN_UNAVAILABLE',
    'No access token was acquired within `connectTimeout`.',
    'Check that the identity service can be reached from this machine.',
  );
}
