import { setImmediate } from 'node:timers/promises';
import type { Stall } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';
import { endpointOf, isLeaving, isLoggingIn, type Client } from '../ioredis/client.js';
import { succeeded } from '../ioredis/cluster.js';
import { pendingReplies } from '../ioredis/queues.js';
import { closeNow, reconnect } from '../ioredis/reconnect.js';
import { closedBySignal, settlesWithin } from '../timing/close-signal.js';
import type { Connection } from './connection.js';
import type { RecycleReason, Replacement, Report } from './events.js';

/** Replaces a client by another one. Never rejects; resolves to `undefined` if none is needed any more. */
export type ReplaceClient = () => Promise<Replacement | undefined>;

/** How a connection is replaced. */
export interface ReplaceOptions {
  /**
   * Whether to wait until its pending replies have arrived, or cannot be awaited any longer, and no transaction is open.
   * Otherwise a subscriber may miss messages. Default: false.
   */
  readonly awaitReplies?: boolean;
  /** Set for a connection that no longer answers: commands that cannot be sent again are rejected with it. */
  readonly stall?: Stall;
}

/** How long a cluster may take to replace a client that has ended, in ms. */
const SUCCESSION_TIMEOUT = 10_000;

/**
 * Ends a client that a cluster uses for its subscriptions: the cluster creates another one, on the node that serves the
 * channels by then, and subscribes it to them. The client itself must not reconnect, since its node may be lost.
 *
 * @returns Resolves to `undefined` if its cluster does not succeed, because it is closed, or the server refuses a channel.
 */
export async function replaceClusterSubscriber(client: Client): Promise<Replacement | undefined> {
  const since = performance.now();
  const success = succeeded(client);
  client.disconnect();
  if (!success || !(await settlesWithin(SUCCESSION_TIMEOUT, success))) return undefined;
  return { gap: Math.round(performance.now() - since), delivery: 'best-effort' };
}

/** Puts new connections in the place of a client's connections that cannot be re-authenticated. */
export class Replacer {
  readonly #client: Client;
  readonly #report: Report;
  /** The replacement in progress: its reason, and since when (`performance.now()`) there is no connection. */
  #current: { readonly reason: RecycleReason; readonly since: number } | undefined;
  #delegate: ReplaceClient | undefined;

  constructor(client: Client, report: Report) {
    this.#client = client;
    this.#report = report;
  }

  /** From now on `replace` is called instead of connecting this client again. */
  delegateTo(replace: ReplaceClient): void {
    this.#delegate = replace;
  }

  /** Replaces a connection. Resolves when that has begun, or when another client has taken over. */
  async replace(
    connection: Connection,
    reason: RecycleReason,
    { awaitReplies = false, stall }: ReplaceOptions = {},
  ): Promise<void> {
    if (awaitReplies) await repliesArrive(connection);
    else if (!stall) await readingEnds();
    if (connection.signal.closed) return;
    // A client that is logging in, or has sent QUIT, follows ioredis' own rules.
    const followsIoredis = stall && (isLoggingIn(this.#client) || isLeaving(this.#client));
    if (this.#current || followsIoredis) {
      // The replacement in progress may await replies that do not arrive.
      if (!awaitReplies) closeNow(this.#client);
      return;
    }
    this.#current = { reason, since: performance.now() - (stall?.silence ?? 0) };
    if (this.#delegate) {
      const replaced = this.#replaceClient(reason, this.#delegate);
      if (!awaitReplies) closeNow(this.#client);
      await replaced;
    } else reconnect(this.#client, stall && whenStalled(connection, stall));
  }

  /** The client is ready; `resubscribed` resolves to whether it has its subscriptions again. */
  connected(resubscribed: Promise<boolean>): void {
    if (!this.#current) return;
    const { reason, since } = this.#current;
    this.#current = undefined;
    void resubscribed.then((isRestored) => {
      if (!isRestored) return;
      this.#recycled(reason, { gap: Math.round(performance.now() - since), delivery: 'at-most-once' });
    });
  }

  /** The connection is closing: if the server has closed it at its expiry, another client takes over. */
  disconnected(connection: Connection): void {
    if (!this.#delegate || !connection.hasExpired || this.#current) return;
    this.#current = { reason: 'subscriber', since: performance.now() };
    void this.#replaceClient('subscriber', this.#delegate);
  }

  /** Forgets the replacement in progress. */
  cancel(): void {
    this.#current = undefined;
  }

  async #replaceClient(reason: RecycleReason, replace: ReplaceClient): Promise<void> {
    const replacement = await replace();
    this.#current = undefined;
    if (replacement) this.#recycled(reason, replacement);
  }

  #recycled(reason: RecycleReason, { gap, delivery }: Replacement): void {
    this.#report('recycled', { endpoint: endpointOf(this.#client), reason, gap, delivery });
  }
}

/** Resolves once the pending replies have arrived, or cannot be awaited any longer, and no transaction is open. */
async function repliesArrive(connection: Connection): Promise<void> {
  const { client, signal, transaction, replyTimeout } = connection;
  try {
    await settlesWithin(replyTimeout, pendingReplies(client), signal);
    do {
      await transaction.over();
      await readingEnds();
    } while (transaction.isOpen);
  } catch (error) {
    if (error !== closedBySignal) throw error;
  }
}

/** If a TLS socket is ended while a reply is being read, Node.js drops records that it has not decrypted: ioredis would resend commands that ran. */
function readingEnds(): Promise<void> {
  return setImmediate();
}

function whenStalled({ transaction }: Connection, stall: Stall): Parameters<typeof reconnect>[1] {
  return {
    isInTransaction: transaction.isConfirmed,
    explain: (error) => stallError(stall, error),
  };
}

/** The error of a command whose reply was due on a connection that did not answer. */
function stallError({ endpoint, silence, awaited }: Stall, cause?: Error): AzureRedisError {
  return new AzureRedisError(
    'CONNECTION_STALLED',
    `The connection to ${endpoint} was silent for ${silence} ms while the reply to ${awaited} was due, and was replaced. ` +
      'The command may or may not have been executed.',
    'Send the command again if it may be executed twice. ioredis does so automatically with ' +
      '`autoResendUnfulfilledCommands` (its default), unless the command was part of a transaction or pipeline that was ' +
      'answered in part.',
    ...(cause ? [{ cause }] : []),
  );
}
