import type { Socket } from 'node:net';
import { rejectQueued } from './command-queues.js';
import { internals, type Client, type Command } from './client.js';

/** The state of a connection at one moment, from which its liveness is judged. */
export interface VitalSigns {
  /** Differs for each connection. */
  readonly socket: object;
  readonly bytesRead: number;
  /** The number of bytes that the operating system has not accepted yet, since its buffer is full. */
  readonly bytesUnsent: number;
  /** The command whose reply is due next. */
  readonly awaited: Command | undefined;
  /** Whether the connection is in MONITOR mode, where the server sends without requests. */
  readonly isMonitoring: boolean;
}

/** The vital signs of a client's connection; `undefined` unless it is open, or logs in. */
export function vitalSignsOf(client: Client): VitalSigns | undefined {
  const { status } = client;
  const { stream, commandQueue } = internals(client);
  const isMonitoring = status === 'monitoring';
  const isOpen = isMonitoring || status === 'ready' || status === 'connect';
  if (!isOpen || !stream || stream.destroyed) return undefined;
  return {
    socket: stream,
    bytesRead: stream.bytesRead,
    bytesUnsent: bytesUnsent(stream),
    awaited: commandQueue.peekAt(0)?.command,
    isMonitoring,
  };
}

interface Handle {
  readonly writeQueueSize?: number;
  /** That of the TCP connection below TLS. */
  readonly _parent?: Handle | null;
}

/**
 * `socket.writableLength` includes a value until all of it has been sent. Node.js itself uses these undocumented fields to
 * find out whether a write makes progress (`socket.setTimeout()`).
 */
function bytesUnsent(stream: Socket): number {
  const { _handle: handle } = stream as unknown as { _handle?: Handle | null };
  return (handle?._parent ?? handle)?.writeQueueSize ?? 0;
}

/** Whether the connection is logging in: it is open, and does not accept commands of the application yet. */
export function isLoggingIn(client: Client): boolean {
  return client.status === 'connect';
}

/** Whether the connection that is logging in can become ready: the status stays until the socket has closed. */
export function canBecomeReady(client: Client): boolean {
  return isLoggingIn(client) && internals(client).stream?.writable === true;
}

/** Whether ioredis itself reconnects the client: not a node of a cluster, which has other nodes. */
export function reconnectsByItself({ options }: Client): boolean {
  return typeof options.retryStrategy === 'function';
}

/**
 * Whether the application has sent QUIT or disconnected. Send no further command on a connection that is still open: after a
 * QUIT, the server would reset it, and the reply to QUIT would be lost.
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

/** Sends a command again that the server has refused or ended. */
export function sendAgain(client: Client, command: Command): void {
  internals(client).sendCommand(command);
}
