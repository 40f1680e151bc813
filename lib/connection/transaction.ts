import type { Client, Command } from '../ioredis/client.js';
import { isPending } from '../ioredis/queues.js';

/**
 * Whether a connection is between MULTI and EXEC, DISCARD or RESET: an AUTH there would be queued and shift the results of
 * EXEC.
 *
 * It follows the commands that were sent, not their replies: commands reach the server in the order in which they were sent.
 */
export class Transaction {
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
