import type { Socket } from 'node:net';
import {
  explainRejections,
  isConnectionClosed,
  rejectQueued,
  transactionFragment,
} from './command-queues.js';
import { internals, type Client, type ClientOptions } from './client.js';
import { reconnectsByItself } from './client-state.js';

/**
 * How long the server may take to answer our FIN while no reply is pending, in ms: enough for the messages that it has
 * already sent to a subscriber, while ioredis would wait for `disconnectTimeout` (2 s by default).
 */
const IDLE_CLOSE_TIMEOUT = 100;

/**
 * Replaces a client's connection at once, whatever its retry strategy: this is not a failure, and no pending command is
 * rejected because of it.
 *
 * The old connection is half-closed, so that the server still answers the commands that it has received.
 */
export function reconnect(client: Client): void {
  const inner = internals(client);
  const { stream, options } = inner;
  stream?.prependOnceListener('close', () => {
    // ioredis would forget these without settling them.
    if (options.autoResendUnfulfilledCommands === false) rejectQueued(inner.commandQueue);
  });
  retryImmediately(client);
  client.disconnect(true);
  if (inner.commandQueue.length === 0) closeWithin(IDLE_CLOSE_TIMEOUT, inner.stream);
}

/**
 * Closes a connection that no longer answers, so that the client connects again by ioredis' own rules: its retry strategy,
 * `autoResendUnfulfilledCommands`, `maxRetriesPerRequest`. A client without a retry strategy, such as the node of a
 * cluster, is connected again at once.
 *
 * @param isInTransaction Whether the server has opened a transaction, which ends with the connection.
 * @param explain Creates the error of a command that is not sent again, from that of ioredis.
 */
export function reconnectSilent(
  client: Client,
  isInTransaction: boolean,
  explain: (error?: Error) => Error,
): void {
  const inner = internals(client);
  const { stream, options } = inner;
  // A cluster sends a command of a node whose connection has closed to another node.
  const isOfCluster = !reconnectsByItself(client);
  const explainUnlessSentAgain = (error: Error): Error =>
    isOfCluster && isConnectionClosed(error) ? error : explain(error);
  let stopExplaining: (() => void) | undefined;
  stream?.prependOnceListener('close', () => {
    const { commandQueue } = inner;
    const fragment = transactionFragment(commandQueue, isInTransaction);
    rejectQueued(commandQueue, (command) => fragment.has(command), explain);
    stopExplaining = explainRejections(commandQueue, explainUnlessSentAgain);
    // ioredis would forget these without settling them.
    if (options.autoResendUnfulfilledCommands === false) rejectQueued(commandQueue);
  });
  stream?.once('close', () => stopExplaining?.());
  if (isOfCluster) retryImmediately(client);
  closeNow(client);
}

/** Closes the connection without waiting for anything; ioredis then reconnects or ends the client as usual. */
export function closeNow(client: Client): void {
  internals(client).stream?.destroy();
}

/** When the present connection closes, the client connects again without delay, and no command is rejected. */
function retryImmediately(client: Client): void {
  const inner = internals(client);
  const { stream, options } = inner;
  // ioredis reads the options in its own 'close' listener. The application's listeners run later, in another tick, and
  // never see these values; neither does `duplicate()`.
  stream?.prependOnceListener('close', () => {
    inner.options = withImmediateRetry(options, () => (inner.retryAttempts -= 1));
  });
  stream?.once('close', () => {
    inner.options = options;
    // Not by ioredis' timer: a client that is disconnected while it waits for its next attempt never emits `end`, and never
    // settles its pending commands.
    process.nextTick(() => {
      if (client.status === 'reconnecting' && !inner.manuallyClosing) connectNow(client);
    });
  });
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
function withImmediateRetry(options: ClientOptions, uncount: () => void): ClientOptions {
  return Object.create(options, {
    retryStrategy: {
      value: () => {
        // This attempt is not a retry: the user's strategy counts from 1 if it fails.
        uncount();
        return 0;
      },
    },
    maxRetriesPerRequest: { value: null },
  }) as ClientOptions;
}

function closeWithin(timeout: number, stream: Socket | undefined): void {
  if (!stream) return;
  const timer = setTimeout(() => stream.destroy(), timeout);
  stream.once('close', () => {
    clearTimeout(timer);
  });
}
