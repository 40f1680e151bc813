import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

/**
 * An ioredis client of any version and any copy, as far as this package deals with it.
 *
 * It is described by its shape, since TypeScript takes the `Redis` classes of two copies of ioredis for two
 * different things.
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

/** The options of an ioredis client that matter here. */
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
}

/** A command on its way, as ioredis' `Command`. */
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
 * What ioredis keeps to itself, or marks `@ignore`, and this package depends on. The same in 5.4 to 6.0; the specs
 * run against both.
 */
export interface ClientInternals {
  /** Read by ioredis itself whenever it needs one of them. */
  options: ClientOptions;
  /** How many attempts to connect have failed in a row: the argument of the next call of `retryStrategy`. */
  retryAttempts: number;
  readonly stream: Socket | undefined;
  /** Whether the application has sent QUIT or disconnected: the connection that there may still be is on its way out. */
  manuallyClosing: boolean;
  /** The timer of the next attempt to connect. */
  readonly reconnectTimeout: NodeJS.Timeout | null;
  /** The state of the present connection; `handshake` exists from 6.0 on. */
  readonly condition:
    { readonly handshake?: boolean; readonly protocol?: 2 | 3; readonly select?: number } | null | undefined;
  /** Commands that were written and have no reply yet. */
  readonly commandQueue: CommandQueue;
  /** What was in `commandQueue` when the connection closed: resent as soon as the next one is ready. */
  readonly prevCommandQueue?: CommandQueue | null | undefined;
  /** Commands that wait for a connection. */
  readonly offlineQueue: CommandQueue;
  connector: object;
  /** Every command passes here, however it was made, and again when it leaves the offline queue. */
  sendCommand: (command: Command, stream?: unknown) => unknown;
  /** Every error reply passes here before the command is rejected with it. */
  handleReconnection: (error: ReplyError, item: CommandItem) => void;
  disconnect: (reconnect?: boolean) => void;
  /** Every change of `status` passes here; its event is emitted in the next tick. */
  setStatus: (status: string, argument?: unknown) => void;
}

/** An error that the server answered a command with. */
export interface ReplyError extends Error {
  command?: { name: string; args: unknown[] };
}

/** The one place where the seam with ioredis' internals is crossed: its types declare them private. */
export function internals(client: Client): ClientInternals {
  return client as unknown as ClientInternals;
}

/** Where a client connects to, for people to read. */
export function endpointOf({ options }: Pick<Client, 'options'>): string {
  return options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`;
}

/** ioredis' own default, in ms, for a `connectTimeout` that is off: nothing here waits without a limit. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** How long the client lets a connection take, in ms. */
export function connectTimeoutOf({ connectTimeout = 0 }: ClientOptions): number {
  return connectTimeout > 0 ? connectTimeout : DEFAULT_CONNECT_TIMEOUT;
}

/** Resolves when every command that now awaits its reply has got it, or has failed. */
export async function pendingReplies(client: Client): Promise<void> {
  const { commandQueue } = internals(client);
  const last = commandQueue.peekAt(commandQueue.length - 1);
  // Replies come in order. How the command ends is its caller's affair.
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
