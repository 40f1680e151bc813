import { internals, type Client } from '../ioredis/client.js';
import type { TransactionTracker } from './transaction-tracker.js';

/**
 * Sends PING on a connection that has written nothing since the last beat. Azure closes connections that were idle
 * for ten minutes.
 */
export class Heartbeat {
  readonly #client: Client;
  readonly #transaction: TransactionTracker;
  #bytesWritten: number | undefined;

  constructor(client: Client, transaction: TransactionTracker) {
    this.#client = client;
    this.#transaction = transaction;
  }

  pingIfIdle(): void {
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
