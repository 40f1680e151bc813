import { blockingTime } from '../ioredis/blocking-command.js';
import type { Client } from '../ioredis/client.js';
import { bytesWritten, isLeaving, vitalSignsOf } from '../ioredis/client-state.js';
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
    if (bytesWritten(this.#client) === this.#bytesWritten) this.ping();
    this.#bytesWritten = bytesWritten(this.#client);
  }

  ping(): void {
    // An unanswered PING is noticed by the LivenessMonitor.
    if (this.#mayPing()) this.#client.ping().catch(() => undefined);
  }

  /**
   * In a transaction, PING would be queued and shift the results; in MONITOR mode, ioredis rejects it; behind a command that
   * blocks, it is not answered, and its missing acknowledgement would keep TCP from sending keep-alive probes.
   */
  #mayPing(): boolean {
    const { status, mode } = this.#client;
    const isUsable = status === 'ready' && mode !== 'monitor' && !isLeaving(this.#client);
    return isUsable && !this.#transaction.isOpen && !this.#isBlocked();
  }

  #isBlocked(): boolean {
    const awaited = vitalSignsOf(this.#client)?.awaited;
    return awaited !== undefined && blockingTime(awaited) > 0;
  }
}
