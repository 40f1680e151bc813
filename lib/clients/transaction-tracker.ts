import type { Command } from '../ioredis/client.js';

/**
 * Tracks whether a connection is between MULTI and EXEC, DISCARD or RESET: an AUTH there would be queued and shift the
 * results of EXEC.
 *
 * It follows the commands that were sent, not their replies: commands reach the server in the order in which they were
 * sent.
 */
export class TransactionTracker {
  /** The MULTI that opened it. */
  #opener: Command | undefined;
  #waiting: (() => void)[] = [];
  readonly #isPending: (command: Command) => boolean;

  /** @param isPending Whether the reply to a command is still awaited. */
  constructor(isPending: (command: Command) => boolean) {
    this.#isPending = isPending;
  }

  get isOpen(): boolean {
    return this.#opener !== undefined;
  }

  /** Whether the server has opened it: commands that are sent again on another connection would be outside of it. */
  get isConfirmed(): boolean {
    return this.#opener !== undefined && !this.#isPending(this.#opener);
  }

  /** A MULTI was sent. */
  opened(multi: Command): void {
    if (this.#opener) return;
    this.#opener = multi;
    multi.promise.catch(() => {
      // Rejected by `commandTimeout` while its reply is pending: the server opens the transaction nevertheless.
      if (!this.#isPending(multi)) this.refused(multi);
    });
  }

  /** A command failed: if it is the MULTI, it has opened nothing. */
  refused(command: Command): void {
    if (this.#opener === command) this.closed();
  }

  /** The command that ends the transaction was sent, or the connection was closed. */
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
