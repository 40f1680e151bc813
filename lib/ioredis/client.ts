import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';

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
  duplicate(override: object): Client;
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
  readonly enableTLSForSentinelMode?: boolean | undefined;
  readonly reconnectOnError?: unknown;
  readonly autoResendUnfulfilledCommands?: boolean | undefined;
  readonly retryStrategy?: unknown;
  readonly maxRetriesPerRequest?: number | null | undefined;
  readonly autoResubscribe?: boolean | undefined;
  readonly monitor?: boolean | undefined;
}

/** A kind of subscription, by the command that makes it. */
export type SubscriptionKind = 'subscribe' | 'psubscribe' | 'ssubscribe';

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
}

/** ioredis' `Command`. */
export interface Command {
  readonly name: string;
  args: unknown[];
  readonly promise: Promise<unknown>;
  /** The position in its pipeline; `undefined` if it is in none. */
  readonly pipelineIndex?: number | undefined;
  resolve: (reply: unknown) => void;
  reject: (error: Error) => void;
  toWritable: (socket: unknown) => string | Buffer;
}

/** A command that awaits its reply. */
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
  /** The state of the current connection. */
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
  /** Emits `error`, or prints it if nobody listens. */
  silentEmit: (event: 'error', error: unknown) => unknown;
  /** Every command passes through this method, and again when it leaves the offline queue. */
  sendCommand: (command: Command, stream?: unknown) => unknown;
  /** Every error reply passes through this method before the command is rejected with it. */
  handleReconnection: (error: ReplyError, item: CommandItem) => void;
  disconnect: (reconnect?: boolean) => void;
  /** Called before `ready`: sends INFO, and again while the server loads its data. */
  _readyCheck: (callback: unknown) => void;
  /** Every change of `status` passes through this method; its event is emitted in the next tick. */
  setStatus: (status: string, argument?: unknown) => void;
}

/** An error reply of the server. */
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

/** Resolves when every command that currently awaits its reply has received it, or has failed. */
export async function pendingReplies(client: Client): Promise<void> {
  const { commandQueue } = internals(client);
  const last = commandQueue.peekAt(commandQueue.length - 1);
  // Replies arrive in order. The caller of the command handles its error.
  await last?.command.promise.catch(() => undefined);
}

/** Whether a command was written and its reply is still awaited, even if its promise is settled already. */
export function isPending(client: Client, command: Command): boolean {
  const { commandQueue } = internals(client);
  for (let index = commandQueue.length - 1; index >= 0; index -= 1) {
    if (commandQueue.peekAt(index)?.command === command) return true;
  }
  return false;
}

/** Queues a command to be written when the client's next connection is ready. */
export function sendOnNextConnection(client: Client, command: Command): void {
  const { offlineQueue, condition } = internals(client);
  offlineQueue.push({ command, select: condition?.select });
}
