import { Cluster, type Command, type Redis } from 'ioredis';
import { internals, type Client, type ClientInternals } from './client.js';

/**
 * Ends a client permanently, in any state.
 *
 * ioredis emits no `end` for a client, or a cluster, that is disconnected while it waits to reconnect, since there is no
 * connection to close. It does so for a client that has not begun to connect: the status is set to that.
 */
export function disconnectPermanently(client: Redis | Cluster): void {
  if (client.status === 'reconnecting') client.status = 'wait';
  client.disconnect();
}

/** How many commands await their replies, or a connection to be written to. */
export function commandsInFlight(client: Redis | Cluster): number {
  const clients: Client[] = client instanceof Cluster ? client.nodes() : [client];
  const counts = clients.map(internals).map((inner) => inner.commandQueue.length + inner.offlineQueue.length);
  // A cluster has an offline queue as well, for commands sent before its nodes are known.
  const { offlineQueue } = client as unknown as Pick<ClientInternals, 'offlineQueue'>;
  const waiting = client instanceof Cluster ? offlineQueue.length : 0;
  return counts.reduce((total, count) => total + count, waiting);
}

/** Rejects all further commands of the client with this error. */
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

/** The version of RESP that the connection has negotiated; ioredis 5, which supports RESP2 only, does not state it. */
export function negotiatedProtocol(client: Client): 2 | 3 {
  return internals(client).condition?.protocol ?? 2;
}
