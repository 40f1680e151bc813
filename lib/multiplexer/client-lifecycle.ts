import type { Cluster, Redis } from 'ioredis';
import { AzureRedisError } from '../errors.js';
import { clusterFailureCause, disconnectPermanently } from '../ioredis/client.js';
import { messageOf } from '../redaction.js';
import { settlesWithin } from '../timing/close-signal.js';

/** The number of attempts to open the first connection. */
const ATTEMPTS = 3;

/** The time to wait for the replies in flight when a client is ended, in ms. */
const QUIT_TIMEOUT = 10_000;

/** The time to wait for the end of a disconnected client, in ms: more than ioredis' `disconnectTimeout`. */
const DISCONNECT_TIMEOUT = 3_000;

/**
 * Connects a client that was created with `lazyConnect`, and resolves when it is ready. There are three attempts, at the
 * intervals of the client's retry strategy, but a rejected login is not repeated.
 *
 * @throws AzureRedisError `CONNECTION_FAILED`, `WRONGPASS` or another cause, after which the client has ended.
 */
export async function connect(client: Redis | Cluster): Promise<void> {
  let failures = 0;
  let isRefused = false;
  const onError = (error: unknown): void => {
    const cause = clusterFailureCause(error);
    isRefused ||= cause instanceof AzureRedisError && cause.code === 'WRONGPASS';
  };
  const onReconnecting = (): void => {
    failures += 1;
    if (isRefused || failures >= ATTEMPTS) disconnectPermanently(client);
  };
  // It stays: ioredis prints the errors that nobody listens to.
  client.on('error', onError);
  client.on('reconnecting', onReconnecting);
  try {
    const isReady = ready(client);
    // The events report the outcome.
    client.connect().catch(() => undefined);
    await isReady;
  } finally {
    client.off('reconnecting', onReconnecting);
  }
}

/** Resolves when the client is ready; rejects when it has ended. */
export async function ready(client: Redis | Cluster): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status === 'end') throw connectionFailed(undefined);
  let lastError: unknown;
  const stopListening = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      const on = (event: string, listener: (argument: unknown) => void): void => {
        client.on(event, listener);
        stopListening.signal.addEventListener('abort', () => client.off(event, listener));
      };
      on('ready', () => {
        resolve();
      });
      on('error', (error) => {
        lastError = error;
      });
      on('end', () => {
        reject(connectionFailed(lastError));
      });
    });
  } finally {
    stopListening.abort();
  }
}

/** Ends a client permanently, after its pending replies have arrived or timed out. Never rejects. */
export async function end(client: Redis | Cluster): Promise<void> {
  if (client.status === 'end') return;
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
  });
  if (client.status === 'ready') {
    client.quit().catch(() => undefined);
    if (await settlesWithin(QUIT_TIMEOUT, ended)) return;
  }
  disconnectPermanently(client);
  await settlesWithin(DISCONNECT_TIMEOUT, ended);
}

/** The error of a client, as an AzureRedisError. */
export function connectionFailed(error: unknown): AzureRedisError {
  const cause = clusterFailureCause(error);
  if (!(cause instanceof AzureRedisError)) {
    return new AzureRedisError(
      'CONNECTION_FAILED',
      `The connection failed: ${cause instanceof Error ? messageOf(cause) : 'it was closed'}`,
      'Check the host and port, and that firewalls, private endpoints and the network allow this machine to reach the cache.',
      { cause },
    );
  }
  return cause.code === 'CLUSTER_MODE_DISABLED' ? otherKind(cause.code, cause) : cause;
}

/** The cache is not, or no longer, of the kind that the multiplexer is connected to. */
export function otherKind(
  code: 'CLUSTER_MODE_DISABLED' | 'CLUSTER_CLIENT_REQUIRED',
  cause?: Error,
): AzureRedisError {
  return new AzureRedisError(
    code,
    code === 'CLUSTER_MODE_DISABLED'
      ? 'The multiplexer is connected as to a cluster, and the cache is none.'
      : 'The multiplexer is connected as to a cache that is no cluster, and the cache is one.',
    'Call Multiplexer.connect() without `cluster`, which finds out; again after the cache was scaled from one kind to the other.',
    cause && { cause },
  );
}

export function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The multiplexer has been closed.',
    'Call Multiplexer.connect() again; it can reuse the authenticator of the closed multiplexer.',
  );
}
