import type { Socket } from 'node:net';
import { explainRejections, isConnectionClosed, rejectQueued, transactionFragment } from './queues.js';
import { internals, reconnectsByItself, type Client, type ClientOptions } from './client.js';

/**
 * How long the server may take to answer our FIN while no reply is pending, in ms: enough for the messages that it has
 * already sent to a subscriber, while ioredis would wait for `disconnectTimeout` (2 s by default).
 */
const IDLE_CLOSE_TIMEOUT = 100;

interface Unresponsive {
  /** Whether the server has opened a transaction, which ends with the connection. */
  readonly isInTransaction: boolean;
  /** Creates the error of a command that is not sent again, from that of ioredis. */
  readonly explain: (error?: Error) => Error;
}

/**
 * Replaces a client's connection.
 *
 * One that works is half-closed, so that the server still answers the commands that it has received. The client connects
 * again at once, whatever its retry strategy, and no pending command is rejected: this is not a failure.
 *
 * One that is `unresponsive` is destroyed. The client connects again by its own rules: its retry strategy,
 * `autoResendUnfulfilledCommands`, `maxRetriesPerRequest`. A client without a retry strategy, such as the node of a cluster,
 * connects again at once.
 */
export function reconnect(client: Client, unresponsive?: Unresponsive): void {
  const inner = internals(client);
  const { stream, commandQueue, options } = inner;
  const isImmediate = !unresponsive || !reconnectsByItself(client);
  let isClosing = true;
  // ioredis reads its options and queues in its own 'close' listener, between these two. The application's listeners run later,
  // in another tick, and never see the options; neither does `duplicate()`.
  stream?.prependOnceListener('close', () => {
    if (unresponsive) rejectUnsendable(client, unresponsive, () => isClosing);
    // ioredis would forget them without settling them.
    if (options.autoResendUnfulfilledCommands === false) rejectQueued(commandQueue);
    if (isImmediate) inner.options = withImmediateRetry(options, () => (inner.retryAttempts -= 1));
  });
  stream?.once('close', () => {
    isClosing = false;
    if (!isImmediate) return;
    inner.options = options;
    // Connect here, not by ioredis' timer: a client that is disconnected while it waits for its next attempt never emits
    // `end`, and never settles its pending commands.
    process.nextTick(() => {
      if (client.status === 'reconnecting' && !inner.manuallyClosing) connectNow(client);
    });
  });
  if (unresponsive) {
    closeNow(client);
    return;
  }
  client.disconnect(true);
  if (stream && commandQueue.length === 0) destroyAfter(IDLE_CLOSE_TIMEOUT, stream);
}

/** Closes the connection without waiting for anything; ioredis then reconnects or ends the client as usual. */
export function closeNow(client: Client): void {
  internals(client).stream?.destroy();
}

/** Rejects the commands that must not be sent again, with their reason, and explains the others that ioredis rejects as it closes. */
function rejectUnsendable(
  client: Client,
  { isInTransaction, explain }: Unresponsive,
  isClosing: () => boolean,
): void {
  const { commandQueue } = internals(client);
  const fragment = transactionFragment(commandQueue, isInTransaction);
  rejectQueued(commandQueue, (command) => fragment.has(command), explain);
  // A cluster sends a command of a node whose connection has closed to another node.
  const isOfCluster = !reconnectsByItself(client);
  explainRejections(commandQueue, (error) =>
    isClosing() && !(isOfCluster && isConnectionClosed(error)) ? explain(error) : error,
  );
}

/**
 * Connects a client immediately that waits for its next attempt to connect.
 *
 * ioredis' own connect() leaves the timer of that attempt running. It would keep the process alive, and open a connection
 * for a client that may have ended by then.
 */
export function connectNow(client: Client): void {
  clearTimeout(internals(client).reconnectTimeout ?? undefined);
  // The client's events report the outcome.
  client.connect().catch(() => undefined);
}

/** The options for ioredis' `close` listener, with which it reconnects without delay and rejects no command. */
function withImmediateRetry(options: ClientOptions, onAttempt: () => void): ClientOptions {
  return Object.create(options, {
    retryStrategy: {
      value: () => {
        // This attempt is not a retry: the user's strategy counts from 1 if it fails.
        onAttempt();
        return 0;
      },
    },
    maxRetriesPerRequest: { value: null },
  }) as ClientOptions;
}

export function destroyAfter(timeout: number, stream: Socket): void {
  const timer = setTimeout(() => stream.destroy(), timeout);
  stream.once('close', () => {
    clearTimeout(timer);
  });
}
