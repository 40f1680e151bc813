import type { EventEmitter } from 'node:events';
import type { AzureRedisError } from '../errors.js';
import type { CloseSignal } from '../timing/close-signal.js';

/** A token or an access key, with which a connection logs in. */
export interface Credentials {
  /** The Redis user name. */
  readonly username: string;
  readonly password: string;
  /** When the server drops a connection that logged in with it, in ms since 1970; `Infinity` for an access key. */
  readonly expiresOn: number;
  /** The time until then, in ms; negative after the expiry. */
  readonly remaining: number;
}

/** Supplies the credentials that connections log in with. */
export interface CredentialsProvider {
  /** The user name of `current`. */
  readonly username: string;
  /** The credentials to use now. */
  readonly current: Credentials;
  /** Whether a new connection can log in with `current` at once; otherwise it has to wait. */
  readonly isUsable: boolean;
  /**
   * Resolves once a new connection can log in with `current`.
   *
   * @throws the reason why no credentials are available, once `signal` is aborted.
   */
  waitUntilUsable(signal: AbortSignal): Promise<void>;
  /**
   * Resolves to `current` as soon as a connection that is logged in with `credentials` should log in with it: at once, or
   * when new credentials are available. Credentials that do not expire never call for it.
   *
   * @param credentials `undefined` for a connection that is not logged in.
   * @throws closedBySignal once `signal` has closed.
   */
  newerThan(credentials: Credentials | undefined, signal: CloseSignal): Promise<Credentials>;
  /** Reports that the server refused these credentials, although they have not expired. */
  reportRejected(credentials: Credentials): void;
}

export interface CredentialsEvents {
  /** The credentials that `refreshed` reports next are of another user: the identity was created anew, for example. */
  identityChanged: [change: { readonly previous: string; readonly username: string }];
  /** New credentials are available; `expiresOn` is in ms since 1970. */
  refreshed: [credentials: { readonly username: string; readonly expiresOn: number }];
  refreshFailed: [error: AzureRedisError];
}

/** A provider that keeps its credentials fresh while it runs. */
export interface RefreshingCredentialsProvider extends CredentialsProvider, EventEmitter<CredentialsEvents> {
  /** Starts to refresh the credentials; does nothing while it runs. */
  start(): void;
  /** Stops all timers, until `start()` is called again. */
  stop(): void;
  /** Refreshes now, or joins the refresh in progress. */
  refresh(): Promise<void>;
  /** Stops permanently: waiting for credentials then fails with `reason`. */
  close(reason: AzureRedisError): void;
}
