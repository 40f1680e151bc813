import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';

/**
 * An ioredis client of any version and any copy, with the members that this package uses.
 *
 * A structural type, since for TypeScript the `Redis` classes of two copies of ioredis are different types.
 */
export interface Client {
  readonly status: string;
  /** 'normal', 'subscriber' (a RESP2 connection that is subscribed) or 'monitor'. */
  readonly mode: string;
  readonly options: ClientOptions;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  auth(username: string, password: string): Promise<unknown>;
  ping(): Promise<unknown>;
  on(event: string, listener: (argument: unknown) => void): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** The options of an ioredis client that this package reads. */
export interface ClientOptions {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | null | undefined;
  readonly family?: number | undefined;
  readonly connectionName?: string | undefined;
  readonly tls?: ConnectionOptions | undefined;
  readonly connectTimeout?: number | undefined;
  readonly disconnectTimeout?: number | undefined;
  readonly keepAlive?: unknown;
  readonly password?: unknown;
  readonly Connector?: unknown;
  readonly sentinels?: unknown;
  readonly reconnectOnError?: unknown;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly retryStrategy?: unknown;
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly autoResubscribe?: boolean | undefined;
  readonly monitor?: boolean | undefined;
}

/** The ways to subscribe, named as ioredis' methods: to channels, to patterns, to shard channels. */
export const SUBSCRIPTION_KINDS = ['subscribe', 'psubscribe', 'ssubscribe'] as const;

export type SubscriptionKind = (typeof SUBSCRIPTION_KINDS)[number];

/** ioredis' set of the channels and patterns of a connection. */
export interface SubscriptionSet {
  channels(kind: SubscriptionKind): string[];
}

/** The state of a connection; `handshake` and `protocol` exist from 6.0 on. */
export interface Condition {
  readonly handshake?: boolean;
  readonly protocol?: 2 | 3;
  readonly select: number;
  subscriber: SubscriptionSet | false;
  /** The user name and password of the handshake, which ioredis takes from its options before it connects. */
  auth?: unknown;
}

export interface Command {
  readonly name: string;
  args: unknown[];
  readonly promise: Promise<unknown>;
  /** The position in its pipeline; `undefined` if it is in none. */
  readonly pipelineIndex?: number | undefined;
  /** Whether it is part of a transaction that is written in one go. */
  readonly inTransaction?: boolean;
  resolve: (reply: unknown) => void;
  reject: (error: Error) => void;
  toWritable: (socket: unknown) => string | Buffer;
}

export interface CommandItem {
  readonly command: Command;
  /** The database to select before the command is written. */
  readonly select?: number | undefined;
}

/** ioredis' queues, of the denque package. */
export interface CommandQueue {
  readonly length: number;
  peekAt(index: number): CommandItem | undefined;
  remove(index: number, count: number): unknown;
  push: (item: CommandItem) => number;
}

/**
 * The members of a client that ioredis declares private or marks `@ignore`, and that this package depends on. They are the
 * same in 5.4 to 6.0, as the contract spec checks.
 */
export interface ClientInternals {
  /** Decides whether a command is written, queued or rejected. */
  status: string;
  /** Read by ioredis itself whenever it needs one of them. */
  options: ClientOptions;
  /** How many attempts to connect have failed in a row: the argument of the next call of `retryStrategy`. */
  retryAttempts: number;
  readonly stream: Socket | undefined;
  /** Whether the application has sent QUIT or disconnected: a connection that is still open is being closed. */
  manuallyClosing: boolean;
  /** The timer of the next attempt to connect. */
  readonly reconnectTimeout: NodeJS.Timeout | null;
  readonly condition: Condition | null | undefined;
  /** The state of the last connection, which is restored as soon as the next one is ready. */
  prevCondition?: Condition | null | undefined;
  /** Commands that were written and await their replies. */
  readonly commandQueue: CommandQueue;
  /** The commands in `commandQueue` when the connection closed: resent as soon as the next one is ready. */
  readonly prevCommandQueue?: CommandQueue | null | undefined;
  /** Commands that wait for a connection. */
  readonly offlineQueue: CommandQueue;
  connector: object;
  subscribe(...channels: string[]): Promise<unknown>;
  psubscribe(...patterns: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  select(database: number): Promise<unknown>;
  pipeline(): { ping(): { exec(): Promise<unknown> } };
  /** Emits `error`, or prints it if nobody listens. */
  silentEmit: (event: 'error', error: unknown) => unknown;
  /** Every command passes through this method, and again when it leaves the offline queue. */
  sendCommand: (command: Command, stream?: unknown) => unknown;
  /** Every error reply passes through this method before the command is rejected with it. */
  handleReconnection: (error: ReplyError, item: CommandItem) => void;
  disconnect: (reconnect?: boolean) => void;
  /** Sends ASKING, which a cluster does before a command that follows a redirection by ASK. */
  asking: (...args: unknown[]) => Promise<unknown>;
  /** Every change of `status` passes through this method; its event is emitted in the next tick. */
  setStatus: (status: string, argument?: unknown) => void;
}

export interface ReplyError extends Error {
  command?: { name: string; args: unknown[] };
}

/** The only cast to the private members of a client, which the types of ioredis do not show. */
export function internals(client: Client): ClientInternals {
  return client as unknown as ClientInternals;
}

/** Emits `error` on a client or cluster; without a listener ioredis prints it, as it does with those of connections. */
export function emitError(emitter: object, error: unknown): void {
  // In a separate tick, so that an error thrown by a listener does not reach the caller.
  process.nextTick(() =>
    (Redis.prototype as unknown as ClientInternals).silentEmit.call(emitter, 'error', error),
  );
}

/** The endpoint of a client, for display. */
export function endpointOf({ options }: Pick<Client, 'options'>): string {
  return options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`;
}

/** ioredis' own default, in ms. It also applies where `connectTimeout` is 0, so that no wait is unlimited. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** How long establishing a connection may take, in ms. */
export function connectTimeoutOf({ connectTimeout = 0 }: ClientOptions): number {
  return connectTimeout > 0 ? connectTimeout : DEFAULT_CONNECT_TIMEOUT;
}

/** The state of a connection on which the server has to send, at one moment; its liveness is judged by comparing two. */
export interface VitalSigns {
  readonly bytesRead: number;
  /** The number of bytes that the operating system has not accepted yet, since its buffer is full. */
  readonly bytesUnsent: number;
  /** The command whose reply is due next; `undefined` in MONITOR mode, where the server sends without requests. */
  readonly awaited: Command | undefined;
}

/** The vital signs of a client's connection; `undefined` unless a reply is due, or the client is in MONITOR mode. */
export function vitalSignsOf(client: Client): VitalSigns | undefined {
  const { stream, commandQueue } = internals(client);
  const awaited = commandQueue.peekAt(0)?.command;
  const { status } = client;
  const isDue = status === 'monitoring' || (awaited && (status === 'ready' || status === 'connect'));
  // The counters of a socket are read from native code, which takes too long for thousands of idle connections.
  if (!isDue || !stream || stream.destroyed) return undefined;
  return { bytesRead: stream.bytesRead, bytesUnsent: bytesUnsent(stream), awaited };
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

/**
 * Enters MONITOR mode as soon as the reply to this MONITOR arrives. ioredis does so in a later turn. It would take what the
 * server sends in the same turn for replies, to which it has no commands, and emit an `error` that ends the process.
 */
export function enterMonitorMode(client: Client, command: Command): void {
  onReply(command, () => {
    internals(client).status = 'monitoring';
  });
}

/**
 * Calls `listener` as soon as the reply to a command arrives that is no error: also if its promise is settled already, as by
 * `commandTimeout`.
 */
export function onReply(command: Command, listener: () => void): void {
  const { resolve } = command;
  command.resolve = (reply) => {
    listener();
    resolve.call(command, reply);
  };
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

/**
 * Sends PING in this turn; a failure is of no consequence. With `enableAutoPipelining`, `client.ping()` would be written in a
 * later one, in which a transaction may be open.
 */
export function sendPing(client: Client): void {
  void internals(client).pipeline().ping().exec();
}

export function bytesWritten(client: Client): number | undefined {
  return internals(client).stream?.bytesWritten;
}

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

export function refuseCommands(client: Redis | Cluster, createError: () => Error): void {
  client.sendCommand = (command: Pick<Command, 'reject' | 'promise'>) => {
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
