import { rejectQueued } from './command-queues.js';
import { internals, type Client, type Command } from './client.js';

/**
 * Whether the application has sent QUIT or disconnected. The connection that may still be open takes no further command:
 * after a QUIT, the server would reset it, and the reply to QUIT would be lost.
 */
export function isLeaving(client: Client): boolean {
  return internals(client).manuallyClosing;
}

/** Whether ioredis is logging the connection in with HELLO; always `false` in ioredis 5, which sends AUTH. */
export function isInHandshake(client: Client): boolean {
  return internals(client).condition?.handshake === true;
}

/** How many bytes were written to the connection; `undefined` without a connection. */
export function bytesWritten(client: Client): number | undefined {
  return internals(client).stream?.bytesWritten;
}

/**
 * Rejects the commands that were to be sent again on the next connection: ioredis neither sends nor settles them if the
 * client ends before it is ready.
 */
export function rejectUnsent(client: Client): void {
  rejectQueued(internals(client).prevCommandQueue);
}

/** Sends a command again that the server has refused. */
export function sendAgain(client: Client, command: Command): void {
  internals(client).sendCommand(command);
}
