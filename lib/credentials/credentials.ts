import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { AzureRedisError } from '../errors.js';
import { closedBySignal, type CloseSignal, Wait } from '../timing/close-signal.js';
import { dateOf, Deadline } from '../timing/timeouts.js';

/** A token or an access key, with which a connection logs in. */
export class Credentials {
  /** The Redis user name. */
  readonly username: string;
  readonly #expiry: Deadline;
  // Private, so that neither inspection nor serialisation of anything that holds it can show it.
  readonly #secret: string;

  /** @param expiresOn In ms since 1970; `Infinity` for an access key. */
  constructor(username: string, secret: string, expiresOn: number) {
    this.username = username;
    this.#secret = secret;
    this.#expiry = new Deadline(expiresOn);
  }

  get password(): string {
    return this.#secret;
  }

  /** When the server drops a connection that logged in with it, in ms since 1970; `Infinity` for an access key. */
  get expiresOn(): number {
    return this.#expiry.time;
  }

  /** The time until then, in ms; negative after the expiry. */
  get remaining(): number {
    return this.#expiry.remaining;
  }

  /** The output of `util.inspect()`, which may call getters, without the secret. */
  [inspect.custom](): string {
    const expiresOn = dateOf(this.expiresOn).toISOString();
    return `${this.constructor.name} { username: '${this.username}', expiresOn: ${expiresOn} }`;
  }
}

export interface CredentialsEvents {
  /** The credentials that `refreshed` reports next are of another user: the identity was created anew, for example. */
  identityChanged: [change: { readonly previous: string; readonly username: string }];
  /** New credentials are available; `expiresOn` is in ms since 1970. */
  refreshed: [credentials: { readonly username: string; readonly expiresOn: number }];
  refreshFailed: [error: AzureRedisError];
}

/** How many connections are told of a token in one turn of the event loop: the timers of 5,000 would block it for 25 ms. */
const WOKEN_PER_TURN = 500;

/** Supplies the credentials that connections log in with, and keeps them fresh while it runs. */
export abstract class CredentialsProvider extends EventEmitter<CredentialsEvents> {
  /** The connections that wait for newer credentials, and what they are logged in with. */
  readonly #waits = new Map<Wait<Credentials>, Credentials | undefined>();
  readonly #forget = (wait: Wait<Credentials>): void => {
    this.#waits.delete(wait);
  };
  #refreshing: Promise<void> | undefined;
  #closedWith: AzureRedisError | undefined;

  /** The credentials to use now. */
  abstract get current(): Credentials;

  /** Whether a new connection can log in with `current` at once; otherwise it has to wait. */
  abstract get isUsable(): boolean;

  /**
   * Resolves once a new connection can log in with `current`.
   *
   * @throws the reason why no credentials are available, once `signal` is aborted.
   */
  abstract waitUntilUsable(signal: AbortSignal): Promise<void>;

  /** Reports that the server refused these credentials, although they have not expired. */
  abstract reportRejected(credentials: Credentials): void;

  /** Starts to refresh the credentials; does nothing while it runs. */
  abstract start(): void;

  /** Stops all timers, until `start()` is called again. */
  abstract stop(): void;

  /** Makes the request of `refresh()`. @throws AzureRedisError */
  protected abstract acquire(): Promise<void>;

  /** The user name of `current`. */
  get username(): string {
    return this.current.username;
  }

  protected get isClosed(): boolean {
    return this.#closedWith !== undefined;
  }

  /** Refreshes now, or joins the refresh in progress. `refreshFailed` reports a failure, too. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh();
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    try {
      await this.acquire();
    } catch (error) {
      if (error instanceof AzureRedisError && !this.isClosed) this.emit('refreshFailed', error);
      throw error;
    } finally {
      this.#refreshing = undefined;
    }
  }

  /**
   * Resolves to `current` as soon as a connection that is logged in with `credentials` should log in with it: at once, or
   * when new credentials are available. Credentials that do not expire never call for it.
   *
   * @param credentials `undefined` for a connection that is not logged in.
   * @throws closedBySignal once `signal` has closed.
   */
  newerThan(credentials: Credentials | undefined, signal: CloseSignal): Promise<Credentials> {
    if (signal.closed) return Promise.reject(closedBySignal);
    if (this.#isNewerThan(credentials)) return Promise.resolve(this.current);
    const wait = new Wait(signal, this.#forget);
    this.#waits.set(wait, credentials);
    return wait.promise;
  }

  /** Ends the waits for newer credentials. */
  protected async wakeConnections(): Promise<void> {
    let woken = 0;
    for (const [wait, credentials] of [...this.#waits]) {
      // It may have ended in an earlier turn, as may the credentials.
      if (!this.#waits.has(wait) || !this.#isNewerThan(credentials)) continue;
      wait.end(this.current);
      woken += 1;
      if (woken % WOKEN_PER_TURN === 0) await nextTurn();
    }
  }

  #isNewerThan(credentials: Credentials | undefined): boolean {
    if (credentials?.expiresOn === Infinity) return false;
    return credentials !== this.current && this.current.remaining > 0;
  }

  /** Stops permanently: waiting for credentials then fails with `reason`. */
  close(reason: AzureRedisError): void {
    this.#closedWith = reason;
    this.stop();
  }

  /** @throws the reason with which it was closed. */
  protected requireOpen(): void {
    if (this.#closedWith) throw this.#closedWith;
  }
}
