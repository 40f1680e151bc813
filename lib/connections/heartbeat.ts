import { internals, type Client } from './client.js';
import type { Transaction } from './transaction.js';

/**
 * Sends PING on a connection that has written nothing since the last beat. Azure closes connections that were idle
 * for ten minutes.
 */
export class Heartbeat {
  readonly #client: Client;
  readonly #transaction: Transaction;
  #bytesWritten: number | undefined;

  constructor(client: Client, transaction: Transaction) {
    this.#client = client;
    this.#transaction = transaction;
  }

  beat(): void {
    const { stream } = internals(this.#client);
    const wasIdle = stream?.bytesWritten === this.#bytesWritten;
    if (wasIdle && this.#mayPing()) {
      // A connection that does not answer is told of by its own events.
      this.#client.ping().catch(() => undefined);
    }
    this.#bytesWritten = stream?.bytesWritten;
  }

  /** A PING in a transaction would be queued and shift its results; ioredis takes none when monitoring. */
  #mayPing(): boolean {
    const { status, mode } = this.#client;
    const isUsable = status === 'ready' && mode !== 'monitor' && !internals(this.#client).manuallyClosing;
    return isUsable && !this.#transaction.isOpen;
  }
}
