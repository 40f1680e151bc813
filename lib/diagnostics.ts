import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';

/** What the channels of `tracing:ioredis-azure:token-refresh` tell of one request for a token. It never holds a secret. */
export interface TokenRefreshTrace {
  /** The Redis user name; absent until the first token is there. */
  identity?: string;
  /** When the new token ends; absent until it is there. */
  expiresOn?: Date;
  /** How long the request took, in ms; absent until it has ended. */
  duration?: number;
  /** Why there is no new token, if so. */
  error?: unknown;
}

/**
 * What the channels of `tracing:ioredis-azure:reauthentication` tell of one `AUTH` on a live connection. It never holds
 * a secret.
 */
export interface ReauthenticationTrace {
  /** The Redis user name. */
  readonly identity: string;
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** When the token that it logs in with ends. */
  readonly expiresOn: Date;
  /** How long the `AUTH` took, in ms; absent until it has ended. */
  duration?: number;
  /** Why the connection could not log in, if so. */
  error?: unknown;
}

const tokenRefresh = tracingChannel<unknown, TokenRefreshTrace>('ioredis-azure:token-refresh');
const reauthentication = tracingChannel<unknown, ReauthenticationTrace>('ioredis-azure:reauthentication');

/** Tells the diagnostics channels of a request for a token. */
export async function traceTokenRefresh<
  Token extends { readonly username: string; readonly expiresOn: number },
>(identity: string | undefined, request: () => Promise<Token>): Promise<Token> {
  const trace: TokenRefreshTrace = identity === undefined ? {} : { identity };
  // Kept out of the promise that is traced: whoever listens is given its result.
  let token!: Token;
  await traced(tokenRefresh, trace, async () => {
    token = await request();
    trace.identity = token.username;
    trace.expiresOn = new Date(token.expiresOn);
  });
  return token;
}

/** Tells the diagnostics channels of an AUTH on a live connection. */
export async function traceReauthentication(
  trace: ReauthenticationTrace,
  logIn: () => Promise<void>,
): Promise<void> {
  await traced(reauthentication, trace, logIn);
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
