import type { Credentials, CredentialsProvider } from '../credentials/credentials.js';
import { traceReauthentication } from '../diagnostics.js';
import { endpointOf, isLeaving, type Client, type Command } from '../ioredis/client.js';
import { fillLogins, HIDDEN_PASSWORD, hideHandshake, isLoginAccepted } from '../ioredis/login.js';
import { isPending } from '../ioredis/queues.js';
import { CloseSignal } from '../timing/close-signal.js';
import { dateOf } from '../timing/timeouts.js';

/** A connection that has not answered AUTH is replaced this long before its credentials expire, in ms, at most half of what is left. */
const REPLACE_BEFORE_EXPIRY = 30_000;

/**
 * How long a reply may be awaited on a connection whose credentials seem to have expired, in ms: if the server has not
 * closed it, the local clock was set forward.
 */
const EXPIRED_REPLY_GRACE = 2_000;

/** By how much the server's clock may be ahead when it closes a connection whose credentials have expired, in ms. */
const CLOCK_SKEW = 1_000;

/** Shared: a process may hold thousands of connections. */
const NO_LOGIN = Promise.resolve();

/** The life of one socket of a client, from `connecting` to `close`. */
export class Connection {
  readonly client: Client;
  readonly transaction: Transaction;
  /** Closes with the connection: every wait for something of the connection ends with it. */
  readonly signal = new CloseSignal();
  /** What the connection is logged in with; `undefined` until a login is accepted, or if it is not known. */
  credentials: Credentials | undefined;
  /** Whether RESET was sent: the connection has lost its login, database and protocol. */
  isReset = false;
  /** Whether the hooks have seen its login, and see its other commands. */
  isHooked = false;
  /** The credentials of the last login that was written. */
  attempted: Credentials | undefined;
  /** Resolves when that login is answered. */
  login = NO_LOGIN;
  /** While the handshake of ioredis logs in. */
  #stopFilling: (() => void) | undefined;

  constructor(client: Client) {
    this.client = client;
    this.transaction = new Transaction(client);
  }

  /** Whether it accepts commands. */
  get isLive(): boolean {
    const { status } = this.client;
    const isOpen = (status === 'ready' || status === 'monitoring') && !this.signal.closed;
    return isOpen && !isLeaving(this.client);
  }

  /** Whether it can be logged in again: not if it is subscribed over RESP2, or in MONITOR mode. */
  get acceptsAuth(): boolean {
    return this.client.mode === 'normal';
  }

  /** Whether the server closes it because its credentials were not replaced in time. */
  get hasExpired(): boolean {
    return this.credentials !== undefined && this.credentials.remaining < CLOCK_SKEW;
  }

  /** How long a reply may be awaited before the connection is replaced without it, in ms. */
  get replyTimeout(): number {
    if (!this.credentials) return REPLACE_BEFORE_EXPIRY;
    const { remaining } = this.credentials;
    if (remaining <= 0) return EXPIRED_REPLY_GRACE;
    return remaining - Math.min(REPLACE_BEFORE_EXPIRY, remaining / 2);
  }

  /** The time until the server has certainly closed it, unless it is logged in again or dead, in ms. */
  get closedWithin(): number {
    return Math.max(0, this.credentials?.remaining ?? REPLACE_BEFORE_EXPIRY) + EXPIRED_REPLY_GRACE;
  }

  /** The socket is open, and the handshake of ioredis is about to log in. */
  beginHandshake(provider: CredentialsProvider): void {
    hideHandshake(this.client, provider.current);
    this.#stopFilling = this.fillLogins(provider);
  }

  /** The connection is ready. */
  endHandshake(): void {
    this.#stopFilling?.();
    this.#stopFilling = undefined;
  }

  /** Writes the provider's current credentials into its logins, until the returned function is called. */
  fillLogins(provider: CredentialsProvider): () => void {
    return fillLogins(this.client, provider, (reply, credentials) => {
      this.attempted = credentials;
      // The caller of the login handles its error.
      this.login = reply.then(
        (answer) => {
          if (isLoginAccepted(answer)) this.credentials = credentials;
        },
        () => undefined,
      );
    });
  }

  /** Sends AUTH with the current credentials. @throws the error of the server. */
  async authenticate(provider: CredentialsProvider): Promise<void> {
    const { username, expiresOn } = provider.current;
    const trace = { username, endpoint: endpointOf(this.client), expiresOn: dateOf(expiresOn) };
    const stopFilling = this.fillLogins(provider);
    try {
      await traceReauthentication(trace, async () => {
        const answer = await this.client.auth(username, HIDDEN_PASSWORD);
        if (!isLoginAccepted(answer)) {
          throw new Error(`AUTH was answered with ${String(answer)} instead of OK.`);
        }
        await this.login;
      });
    } finally {
      stopFilling();
    }
  }

  /** The socket has closed. */
  close(): void {
    this.transaction.closed();
    this.signal.close();
  }
}

/**
 * Whether a connection is between MULTI and EXEC, DISCARD or RESET: an AUTH there would be queued and shift the results of
 * EXEC.
 *
 * It follows the commands that were sent, not their replies: commands reach the server in the order in which they were sent.
 */
class Transaction {
  readonly #client: Client;
  /** The MULTI that opened it. */
  #opener: Command | undefined;
  #waiting: (() => void)[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#opener !== undefined;
  }

  /** Whether the server has opened it: commands that are sent again on another connection would be outside of it. */
  get isConfirmed(): boolean {
    return this.#opener !== undefined && !isPending(this.#client, this.#opener);
  }

  /** A MULTI was sent. */
  opened(multi: Command): void {
    if (this.#opener) return;
    this.#opener = multi;
    multi.promise.catch(() => {
      // Rejected by `commandTimeout` while its reply is pending: the server opens the transaction nevertheless.
      if (!isPending(this.#client, multi)) this.refused(multi);
    });
  }

  /** A command failed: if it is the MULTI, it has opened nothing. */
  refused(command: Command): void {
    if (this.#opener === command) this.closed();
  }

  /** The command that ends the transaction was sent, or the connection has closed. */
  closed(): void {
    this.#opener = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /**
   * Resolves once no transaction is open, never synchronously with its end: its EXEC may be part of a pipeline, which
   * ioredis has yet to write.
   */
  async over(): Promise<void> {
    while (this.isOpen) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}
