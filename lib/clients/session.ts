import type { Credentials } from '../credentials/credentials.js';
import { isPending, type Client } from '../ioredis/client.js';
import { isLeaving } from '../ioredis/client-state.js';
import { isLoginAccepted } from '../ioredis/login-command.js';
import { MAX_TIMER_DELAY } from '../timing/timeouts.js';
import { TransactionTracker } from './transaction-tracker.js';

/** How long before its credentials expire a connection that does not answer AUTH is replaced, in ms; at most half of what is left. */
export const REPLACE_BEFORE_EXPIRY = 30_000;

/**
 * How long a reply may be awaited on a connection whose credentials seem to have expired, in ms: if the server has not
 * closed it, the local clock was set forward.
 */
export const EXPIRED_REPLY_GRACE = 2_000;

/** By how much the server's clock may be ahead when it closes a connection whose credentials have expired, in ms. */
const CLOCK_SKEW = 1_000;

/**
 * How long before the expiry of a connection's credentials a blocking command ends its turn, in ms, and the share of what is
 * left of them: earlier than a connection that does not answer AUTH is replaced.
 */
const UNBLOCK_BEFORE_EXPIRY = 45_000;
const UNBLOCK_SHARE = 0.6;

/** The shortest turn of a blocking command, in ms, which limits the rate of turns. */
const MIN_TURN = 250;

/** The longest turn of a blocking command, in ms, so that a connection that has gone silent is noticed. */
const MAX_TURN = 60_000;

/** How long a command may block on a connection whose credentials have `left` ms to live, in ms. */
export function blockingLimit(left: number): number {
  const limit = left - Math.min(UNBLOCK_BEFORE_EXPIRY, left * UNBLOCK_SHARE);
  return Math.max(MIN_TURN, Math.min(MAX_TURN, limit));
}

/** The state of a client's live connection, reset for each connection. */
export class Session {
  readonly transaction: TransactionTracker;
  /** The credentials that the connection is logged in with; `undefined` if unknown, or without a connection. */
  credentials: Credentials | undefined;
  /** Whether RESET was sent: the connection has lost its login, database and protocol, and is replaced. */
  isReset = false;
  readonly #client: Client;
  #id = 0;
  /** Settles when the last login that was sent on this connection is answered. */
  #login: Promise<void> | undefined;

  constructor(client: Client) {
    this.#client = client;
    this.transaction = new TransactionTracker((command) => isPending(client, command));
  }

  /** Differs for each connection: after an await, compare it before touching the connection. */
  get id(): number {
    return this.#id;
  }

  /** Whether there is a connection that accepts commands. */
  get isLive(): boolean {
    const { status } = this.#client;
    return (status === 'ready' || status === 'monitoring') && !isLeaving(this.#client);
  }

  /** Whether the server closes the connection because its credentials were not replaced in time. */
  get hasExpired(): boolean {
    return this.credentials !== undefined && this.credentials.remaining < CLOCK_SKEW;
  }

  /** How long a reply may be awaited before the connection is replaced without it, in ms. */
  get replyTimeout(): number {
    if (!this.credentials) return REPLACE_BEFORE_EXPIRY;
    const left = this.credentials.remaining;
    if (left <= 0) return EXPIRED_REPLY_GRACE;
    return Math.min(MAX_TIMER_DELAY, left - Math.min(REPLACE_BEFORE_EXPIRY, left / 2));
  }

  /** Calls `send` as soon as no transaction is open, so that the commands that it sends synchronously are part of none. */
  async outsideTransaction<Result>(send: () => Result | Promise<Result>): Promise<Result> {
    while (this.transaction.isOpen) await this.transaction.over();
    return send();
  }

  /** Whether a login was sent on this connection. */
  get hasLoggedIn(): boolean {
    return this.#login !== undefined;
  }

  /** A login was sent; it counts once the server accepts it. */
  loginSent(reply: Promise<unknown>, credentials: Credentials): void {
    const id = this.#id;
    this.#login = reply.then(
      (answer) => {
        if (id === this.#id && isLoginAccepted(answer)) this.credentials = credentials;
      },
      () => undefined,
    );
  }

  /** Sends a login. The hooks see it, unless a wrapper around sendCommand() bypasses them. */
  sendLogin(send: () => Promise<unknown>, credentials: Credentials): Promise<unknown> {
    const before = this.#login;
    const reply = send();
    if (this.#login === before) this.loginSent(reply, credentials);
    return reply;
  }

  /** Resolves when the last login that was sent is answered. */
  async loginAnswered(): Promise<void> {
    await this.#login;
  }

  /** The connection is gone. */
  end(): void {
    this.#id += 1;
    this.#login = undefined;
    this.credentials = undefined;
    this.isReset = false;
    this.transaction.closed();
  }
}
