import { channel, tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { Debugger } from 'debug';

/** The message of the `tracing:ioredis-azure:token-refresh` channels: one token request. It never holds a secret. */
export interface TokenRefreshTrace {
  /** The Redis user name; absent until the first token has been acquired. */
  username?: string;
  /** The expiry of the new token; absent until it has been acquired. */
  expiresOn?: Date;
  /** The duration of the request, in ms; absent until its end. */
  duration?: number;
  /** The reason of a failure. */
  error?: unknown;
}

/**
 * The message of the `tracing:ioredis-azure:reauthentication` channels: one `AUTH` on a live connection. It never holds a
 * secret.
 */
export interface ReauthenticationTrace {
  /** The Redis user name. */
  readonly username: string;
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** The expiry of the token that it logs in with. */
  readonly expiresOn: Date;
  /** The duration of the `AUTH`, in ms; absent until its end. */
  duration?: number;
  /** The reason of a failure. */
  error?: unknown;
}

/**
 * A connection that was replaced because it did not answer: the message of the channel `ioredis-azure:stalled`. It never holds
 * a secret.
 */
export interface Stall {
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** For how long a reply was due and nothing arrived, in ms. */
  readonly silence: number;
  /** The name of the command whose reply was due, such as `GET`, or `PING` of the heartbeat. */
  readonly awaited: string;
}

const stalled = channel('ioredis-azure:stalled');
const tokenRefresh = tracingChannel<unknown, TokenRefreshTrace>('ioredis-azure:token-refresh');
const reauthentication = tracingChannel<unknown, ReauthenticationTrace>('ioredis-azure:reauthentication');

/** Publishes that a connection did not answer. */
export function publishStall(message: Stall): void {
  stalled.publish(message);
}

/** Publishes a token request on its channels. */
export async function traceTokenRefresh<
  Token extends { readonly username: string; readonly expiresOn: number },
>(username: string | undefined, request: () => Promise<Token>): Promise<Token> {
  const trace: TokenRefreshTrace = username === undefined ? {} : { username };
  // Kept out of the traced promise: every subscriber of the channel receives its result.
  let token!: Token;
  await traced(tokenRefresh, trace, async () => {
    token = await request();
    trace.username = token.username;
    trace.expiresOn = new Date(token.expiresOn);
  });
  return token;
}

/** Publishes an AUTH on a live connection on its channels. */
export function traceReauthentication(
  trace: ReauthenticationTrace,
  authenticate: () => Promise<void>,
): Promise<void> {
  return traced(reauthentication, trace, authenticate);
}

async function traced<Trace extends { duration?: number }>(
  channel: TracingChannel<unknown, Trace>,
  trace: Trace,
  run: () => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  await channel.tracePromise(async () => {
    try {
      await run();
    } finally {
      trace.duration = performance.now() - startedAt;
    }
  }, trace);
}

/**
 * Creates a log of the `debug` package, which writes to stderr if its namespace is enabled. The package is imported with the
 * first message while `DEBUG` is set, as `debug.enable()` sets it too: the import of this package would take a seventh longer.
 */
export function createDebugLog(namespace: string): (format: string, ...values: readonly unknown[]) => void {
  let loading: Promise<Debugger> | undefined;
  return (format, ...values) => {
    if (!process.env['DEBUG']) return;
    loading ??= import('debug').then(({ default: createDebug }) => createDebug(namespace));
    void loading.then((debug) => {
      debug(format, ...values);
    });
  };
}

/** Emits in a separate tick, so that an error thrown by a listener does not reach the code that reports the event. */
export function emitLater<
  Events extends Record<keyof Events, [event: unknown]>,
  Name extends keyof Events & string,
>(emitter: EventEmitter<Events>, name: Name, event: Events[Name][0]): void {
  process.nextTick(() => {
    // The parameters are checked above; TypeScript cannot check a tuple of a generic name again.
    (emitter as EventEmitter).emit(name, event);
  });
}
