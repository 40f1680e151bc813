import { Cluster, type Command, type Redis } from 'ioredis';
import { internals, type Client, type ClientInternals } from './client.js';
import { rejectQueued } from './command-queues.js';

/**
 * Ends a client for good, whatever it is doing.
 *
 * ioredis emits no `end` for a client, or a cluster, that is disconnected while it waits to reconnect: there is no
 * connection to close. One that has not begun to connect ends at once, so that is what it is declared to be.
 */
export function disconnectForGood(client: Redis | Cluster): void {
  if (client.status === 'reconnecting') client.status = 'wait';
  client.disconnect();
}

/** How many commands await their replies, or a connection to be written to. */
export function commandsInFlight(client: Redis | Cluster): number {
  const clients: Client[] = client instanceof Cluster ? client.nodes() : [client];
  const counts = clients.map(internals).map((inner) => inner.commandQueue.length + inner.offlineQueue.length);
  // A cluster has an offline queue as well, which holds what waits for its nodes to be known.
  const { offlineQueue } = client as unknown as Pick<ClientInternals, 'offlineQueue'>;
  const waiting = client instanceof Cluster ? offlineQueue.length : 0;
  return counts.reduce((total, count) => total + count, waiting);
}

/** From now on the client's commands are rejected with this error. */
export function refuseCommands(client: Redis | Cluster, createError: () => Error): void {
  client.sendCommand = (command: Command) => {
    command.reject(createError());
    return command.promise;
  };
}

/** The error behind a cluster that found no node: ioredis keeps it in `lastNodeError`. Others are returned as they are. */
export function clusterFailureCause(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const nodeError: unknown = Reflect.get(error, 'lastNodeError');
  return nodeError ?? error;
}

/** The version of RESP that the connection has negotiated; ioredis 5 speaks RESP2 only, and does not say so. */
export function negotiatedProtocol(client: Client): 2 | 3 {
  return internals(client).condition?.protocol ?? 2;
}

/** Whether a command would be written now; otherwise ioredis keeps it for the next connection. */
export function isWritable(client: Client): boolean {
  return internals(client).stream?.writable === true;
}

/**
 * Keeps a client from subscribing again by itself: on a connection that has come back with RESP2, it must not. This holds
 * for this client only: `duplicate()` copies what is enumerable.
 */
export function disableAutoResubscribe(client: Redis): void {
  Object.defineProperty(client.options, 'autoResubscribe', { value: false, enumerable: false });
}

const SUBSCRIPTION = /^[ps]?(un)?subscribe$/i;

/**
 * Removes subscriptions from what ioredis sends again on its next connection. That one may speak RESP2, where the first
 * subscription would put an end to all other commands.
 */
export function rejectQueuedSubscriptions(client: Client): void {
  const { prevCommandQueue, offlineQueue } = internals(client);
  for (const queue of [prevCommandQueue, offlineQueue]) {
    rejectQueued(queue, ({ name }) => SUBSCRIPTION.test(name));
  }
}
