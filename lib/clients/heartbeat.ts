import type { Client } from '../ioredis/client.js';
import { bytesWritten, isLeaving } from '../ioredis/client-state.js';
import type { TransactionTracker } from './transaction-tracker.js';

/**
 * Sends PING on a connection on which nothing was written since the last call. Azure closes connections that were idle
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
    const wasIdle = bytesWritten(this.#client) === this.#bytesWritten;
    if (wasIdle && this.#mayPing()) {
      // The client's own events report a connection that does not answer.
      this.#client.ping().catch(() => undefined);
    }
    this.#bytesWritten = bytesWritten(this.#client);
  }

  /** In a transaction, PING would be queued and shift the results; in MONITOR mode, ioredis rejects it. */
  #mayPing(): boolean {
    const { status, mode } = this.#client;
    const isUsable = status === 'ready' && mode !== 'monitor' && !isLeaving(this.#client);
    return isUsable && !this.#transaction.isOpen;
  }
}
