import type { CredentialsProvider } from '../credentials/credentials.js';
import type { Command, ReplyError } from '../ioredis/client.js';
import { reconnectsByItself } from '../ioredis/client.js';
import { isLogin } from '../ioredis/login.js';
import { isInTransaction, sendAgain, sendOnNextConnection } from '../ioredis/queues.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { closedBySignal, pause } from '../timing/close-signal.js';
import type { Connection } from './connection.js';
import { isFailover, isNoAuth } from './error-replies.js';

/** How long a new login may wait for credentials, in ms. */
const LOGIN_TIMEOUT = 30_000;

/** How often a command is sent again that finds no primary; about 16 s in all, longer than a failover on Azure takes. */
const MAX_FAILOVERS = 8;

/** The waits before a connection is replaced on which no primary answers either, in ms. */
const FAILOVER_RETRY: Backoff = { minTimeout: 100, maxTimeout: 5_000, factor: 2, randomize: true };

/** The commands that were sent again after NOAUTH. */
const loggedInFor = new WeakSet<Command>();

/** How often a command was sent again after a failover. */
const failovers = new WeakMap<Command, number>();

/**
 * Sends again the commands of a connection that the server refused for a reason that is not theirs. It has not run them, so
 * that sending them again is safe.
 */
export class RefusedCommands {
  readonly #connection: Connection;
  readonly #provider: CredentialsProvider;
  readonly #replace: () => Promise<void>;
  /** Those refused with NOAUTH: all that were written before the new login are. */
  #notLoggedIn: Command[] = [];
  #isReplaced = false;

  /** @param replace Replaces the connection once its replies have arrived. */
  constructor(connection: Connection, provider: CredentialsProvider, replace: () => Promise<void>) {
    this.#connection = connection;
    this.#provider = provider;
    this.#replace = replace;
  }

  /** Sends a refused command again; returns `false` if it is to be rejected. */
  retry(command: Command, reply: ReplyError): boolean {
    const { client, isReset } = this.#connection;
    const userDecides = typeof client.options.reconnectOnError === 'function';
    if (client.status !== 'ready' || userDecides || isLogin(command)) return false;
    if (isNoAuth(reply)) return isReset ? this.#sendOnNext(command) : this.#sendOnceLoggedIn(command);
    return isFailover(reply) && this.#sendToPrimary(command);
  }

  /** In the order of the replies. */
  #sendOnNext(command: Command): true {
    sendOnNextConnection(this.#connection.client, command);
    return true;
  }

  #sendOnceLoggedIn(command: Command): boolean {
    if (loggedInFor.has(command)) return false;
    loggedInFor.add(command);
    this.#notLoggedIn.push(command);
    if (this.#notLoggedIn.length === 1) void this.#logIn();
    return true;
  }

  async #logIn(): Promise<void> {
    const { client, signal, transaction } = this.#connection;
    let failure: unknown;
    try {
      await this.#provider.waitUntilUsable(AbortSignal.timeout(LOGIN_TIMEOUT));
      await this.#connection.authenticate(this.#provider);
      await transaction.over();
    } catch (error) {
      failure = error;
    }
    // The commands that were written before the login were answered before it, so the list is complete. Sending them
    // in one tick keeps a transaction among them in one piece.
    const commands = this.#notLoggedIn;
    this.#notLoggedIn = [];
    for (const command of commands) {
      // If the connection has closed, ioredis keeps them for the next one.
      if (failure instanceof Error && !signal.closed) command.reject(failure);
      else sendAgain(client, command);
    }
  }

  /** A part of a transaction alone must not be sent again. A cluster itself finds the primary of its nodes. */
  #sendToPrimary(command: Command): boolean {
    const { client, transaction } = this.#connection;
    const failures = failovers.get(command) ?? 0;
    const isPart = transaction.isOpen || isInTransaction(client, command);
    if (failures === MAX_FAILOVERS || isPart || !reconnectsByItself(client)) return false;
    failovers.set(command, failures + 1);
    if (!this.#isReplaced) void this.#findPrimary(failures);
    return this.#sendOnNext(command);
  }

  async #findPrimary(failures: number): Promise<void> {
    this.#isReplaced = true;
    const { signal } = this.#connection;
    try {
      if (failures > 0) await pause(backoffDelay(failures, FAILOVER_RETRY), signal);
      await this.#replace();
    } catch (error) {
      if (error !== closedBySignal) throw error;
    }
  }
}
