import { internals, type Client, type Command } from '../ioredis/client.js';
import type { TransactionTracker } from './transaction-tracker.js';

/**
 * Runs commands again that the server refused with NOAUTH. It has not executed them, so that running them again is
 * safe; and whatever was written before the new login is refused likewise.
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

  /** Takes a refused command over, unless it was refused after a new login too. */
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
    // All that was written before the login has been answered before it, and is in the list by now. Sent in one go,
    // a transaction among it stays in one piece.
    const commands = this.#refused;
    this.#refused = [];
    for (const command of commands) {
      if (failure instanceof Error) command.reject(failure);
      else internals(this.#client).sendCommand(command);
    }
  }
}
