import type { Cluster, Redis } from 'ioredis';
import { AzureRedisError } from '../errors.js';
import { clusterFailureCause, disconnectPermanently } from '../ioredis/client-control.js';
import { settlesWithin } from '../timing/timeouts.js';
import { connectionFailed } from './errors.js';

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
  client.on('error', onError);
  client.on('reconnecting', onReconnecting);
  try {
    const isReady = ready(client);
    // The events report the outcome.
    client.connect().catch(() => undefined);
    await isReady;
  } finally {
    client.off('error', onError);
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
