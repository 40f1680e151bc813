import type { Client, Command } from '../ioredis/client.js';
import { sendAgain } from '../ioredis/client-state.js';
import type { TransactionTracker } from './transaction-tracker.js';

/**
 * Logs in and sends commands again that the server rejected with NOAUTH. It has not executed them, so sending them again
 * is safe. All commands that were written before the new login are rejected in the same way.
 */
export class NoAuthRetry {
  readonly #client: Client;
  readonly #transaction: TransactionTracker;
  readonly #logIn: () => Promise<void>;
  #refused: Command[] = [];
  readonly #seen = new WeakSet<Command>();

  constructor(client: Client, transaction: TransactionTracker, logIn: () => Promise<void>) {
    this.#client = client;
    this.#transaction = transaction;
    this.#logIn = logIn;
  }

  /** Sends a rejected command again; returns `false` if that was done before. */
  retry(command: Command): boolean {
    if (this.#seen.has(command)) return false;
    this.#seen.add(command);
    this.#refused.push(command);
    if (this.#refused.length === 1) void this.#runAgain();
    return true;
  }

  async #runAgain(): Promise<void> {
    let failure: unknown;
    try {
      await this.#logIn();
      await this.#transaction.over();
    } catch (error) {
      failure = error;
    }
    // The commands that were written before the login were answered before it, so the list is complete. Sending them
    // in one tick keeps a transaction among them in one piece.
    const commands = this.#refused;
    this.#refused = [];
    for (const command of commands) {
      if (failure instanceof Error) command.reject(failure);
      else sendAgain(this.#client, command);
    }
  }
}
