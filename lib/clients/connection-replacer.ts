import { setImmediate } from 'node:timers/promises';
import type { Stall } from '../diagnostics.js';
import { pendingReplies, type Client } from '../ioredis/client.js';
import { closeNow, reconnect, reconnectSilent } from '../ioredis/reconnect.js';
import { settlesWithin } from '../timing/timeouts.js';
import type { RecycleReason, ReplaceClient, Replacement } from './replacement.js';
import type { Session } from './session.js';
import { stallError } from './stall.js';

/** Replaces the connection of a client where it cannot be re-authenticated. */
export class ConnectionReplacer {
  readonly #client: Client;
  readonly #session: Session;
  readonly #onReplaced: (reason: RecycleReason, replacement: Replacement) => void;
  /** The replacement in progress: its reason, and since when (`performance.now()`) there is no connection. */
  #current: { readonly reason: RecycleReason; readonly since: number } | undefined;
  #delegate: ReplaceClient | undefined;

  constructor(
    client: Client,
    session: Session,
    onReplaced: (reason: RecycleReason, replacement: Replacement) => void,
  ) {
    this.#client = client;
    this.#session = session;
    this.#onReplaced = onReplaced;
  }

  /** From now on `replace` is called instead of connecting this client again. */
  delegateTo(replace: ReplaceClient): void {
    this.#delegate = replace;
  }

  /** Replaces the connection once its pending replies have arrived, or cannot be awaited any longer. */
  async replaceAfterReplies(reason: RecycleReason): Promise<void> {
    const { id } = this.#session;
    await settlesWithin(this.#session.replyTimeout, pendingReplies(this.#client));
    if (id === this.#session.id) await this.replaceAfterRead(reason);
  }

  /** Replaces the connection in response to a reply, once no transaction is open. */
  async replaceAfterRead(reason: RecycleReason): Promise<void> {
    const { id, transaction } = this.#session;
    do {
      await transaction.over();
      await readingEnds();
    } while (transaction.isOpen);
    if (id === this.#session.id) this.replace(reason);
  }

  /** Replaces the connection now. */
  replace(reason: RecycleReason): void {
    if (this.#current) return;
    this.#current = { reason, since: performance.now() };
    if (this.#delegate) void this.#replaceClient(reason, this.#delegate);
    else reconnect(this.#client);
  }

  /** Replaces the connection at once. A subscriber may miss messages. */
  async force(reason: RecycleReason): Promise<void> {
    const { id } = this.#session;
    await readingEnds();
    if (id !== this.#session.id) return;
    if (this.#current || !this.#delegate) {
      this.replace(reason);
      return;
    }
    this.#current = { reason, since: performance.now() };
    const replaced = this.#replaceClient(reason, this.#delegate);
    closeNow(this.#client);
    await replaced;
  }

  /** Replaces a connection that no longer answers. Commands that cannot be sent again are rejected with the stall. */
  replaceSilent(stall: Stall): void {
    if (this.#current) {
      // The replacement in progress awaits replies that do not arrive.
      closeNow(this.#client);
      return;
    }
    const reason = 'stalled';
    this.#current = { reason, since: performance.now() - stall.silence };
    if (this.#delegate) {
      void this.#replaceClient(reason, this.#delegate);
      closeNow(this.#client);
    } else {
      const explain = (error?: Error): Error => stallError(stall, error);
      reconnectSilent(this.#client, this.#session.transaction.isConfirmed, explain);
    }
  }

  /**
   * The client is ready.
   *
   * @param resubscribed Resolves when its subscriptions are restored; to `false` if the connection closed before.
   */
  connected(resubscribed: Promise<boolean>): void {
    if (!this.#current) return;
    const { reason, since } = this.#current;
    this.#current = undefined;
    void resubscribed.then((isRestored) => {
      if (!isRestored) return;
      this.#onReplaced(reason, { gap: Math.round(performance.now() - since), delivery: 'at-most-once' });
    });
  }

  /** The connection has closed. */
  disconnected(): void {
    if (this.#delegate && this.#session.hasExpired) this.replace('subscriber');
  }

  /** Forgets the replacement in progress. */
  cancel(): void {
    this.#current = undefined;
  }

  async #replaceClient(reason: RecycleReason, replace: ReplaceClient): Promise<void> {
    const replacement = await replace();
    this.#current = undefined;
    if (replacement) this.#onReplaced(reason, replacement);
  }
}

/**
 * Resolves when everything that was received has been read. A TLS socket of Node.js that is ended by a reply that it has just
 * read discards the records behind it that it has not decrypted yet, and the commands that they answer would run twice.
 */
function readingEnds(): Promise<void> {
  return setImmediate();
}
