import { setImmediate } from 'node:timers/promises';
import type { Stall } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';
import type { Client } from '../ioredis/client.js';
import { succeeded } from '../ioredis/cluster.js';
import { pendingReplies } from '../ioredis/queues.js';
import { ignoreClosed, settlesWithin } from '../timing/close-signal.js';
import type { Connection } from './connection.js';
import type { Replacement } from './events.js';

/** Replaces a client by another one. Never rejects; resolves to `undefined` if none is needed any more. */
export type ReplaceClient = () => Promise<Replacement | undefined>;

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

/**
 * Resolves once the pending replies have arrived, or cannot be awaited any longer, and no transaction is open; or once the
 * connection has closed.
 */
export async function repliesArrive({
  client,
  signal,
  transaction,
  replyTimeout,
}: Connection): Promise<void> {
  await settlesWithin(replyTimeout, pendingReplies(client), signal).catch(ignoreClosed);
  do {
    await transaction.over();
    await readingEnds();
  } while (transaction.isOpen);
}

/** If a TLS socket is ended while a reply is being read, Node.js drops records that it has not decrypted: ioredis would resend commands that ran. */
export function readingEnds(): Promise<void> {
  return setImmediate();
}

/** The error of a command whose reply was due on a connection that did not answer. */
export function stallError({ endpoint, silence, awaited }: Stall, cause?: Error): AzureRedisError {
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
