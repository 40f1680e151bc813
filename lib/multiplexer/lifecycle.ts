import { Cluster, type Command, type Redis } from 'ioredis';
import { AzureRedisError } from '../errors.js';
import { settlesWithin } from '../timing/timeouts.js';
import { closedError } from './closed-error.js';

/** How often a first connection is tried. */
const ATTEMPTS = 3;

/** How long the replies in flight are awaited when a client is ended, in ms. */
const QUIT_TIMEOUT = 10_000;

/** How long a client may take to end that no longer waits for replies, in ms: ioredis' `disconnectTimeout`, and some. */
const DISCONNECT_TIMEOUT = 3_000;

/**
 * Connects a client that was made with `lazyConnect`, and resolves when it is ready. It is tried three times, at the
 * intervals of the client's own retry strategy, but a login that is refused is not tried again.
 *
 * @throws AzureRedisError `CONNECTION_FAILED`, `WRONGPASS` or whatever stood in the way. The client has ended then.
 */
export async function connect(client: Redis | Cluster): Promise<void> {
  let refused = false;
  const watch = (error: unknown): void => {
    refused ||= causeOf(error) instanceof AzureRedisError && isWrongPass(causeOf(error));
  };
  const restore = limitRetries(client, (failures) => !refused && failures < ATTEMPTS);
  client.on('error', watch);
  try {
    const isReady = ready(client);
    // How it ends is told by the events.
    client.connect().catch(() => undefined);
    await isReady;
  } finally {
    client.off('error', watch);
    restore();
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

/** Ends a client for good. What it has sent is answered first, if that does not take too long. Never rejects. */
export async function end(client: Redis | Cluster): Promise<void> {
  if (client.status === 'end') return;
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
  });
  if (client.status === 'ready') {
    client.quit().catch(() => undefined);
    if (await settlesWithin(QUIT_TIMEOUT, ended)) return;
  }
  disconnect(client);
  await settlesWithin(DISCONNECT_TIMEOUT, ended);
}

/** From now on the client's commands are rejected with `CLOSED`. */
export function refuseCommands(client: Redis | Cluster): void {
  client.sendCommand = (command: Command) => {
    command.reject(closedError());
    return command.promise;
  };
}

/** An error for the application, of one that a client has told of. */
export function connectionFailed(error: unknown): AzureRedisError {
  const cause = causeOf(error);
  if (cause instanceof AzureRedisError) return cause;
  return new AzureRedisError(
    'CONNECTION_FAILED',
    `The connection failed: ${cause instanceof Error ? cause.message : 'it was closed'}`,
    'Check host and port, and that a firewall, private endpoint or the network lets this machine reach the cache.',
    { cause },
  );
}

/** A cluster that found no node tells only as much; what stood in the way is beside it. */
function causeOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const nodeError: unknown = Reflect.get(error, 'lastNodeError');
  return nodeError ?? error;
}

function isWrongPass(error: unknown): boolean {
  return error instanceof AzureRedisError && error.code === 'WRONGPASS';
}

/** Makes a client retry only while `mayRetry` says so, until the function that is returned is called. */
function limitRetries(client: Redis | Cluster, mayRetry: (failures: number) => boolean): () => void {
  if (client instanceof Cluster) {
    const { options } = client;
    const { clusterRetryStrategy } = options;
    options.clusterRetryStrategy = (times, reason) =>
      mayRetry(times) ? clusterRetryStrategy?.(times, reason) : null;
    return () => {
      options.clusterRetryStrategy = clusterRetryStrategy;
    };
  }
  const { options } = client;
  const { retryStrategy } = options;
  options.retryStrategy = (times) => (mayRetry(times) ? retryStrategy?.(times) : null);
  return () => {
    options.retryStrategy = retryStrategy;
  };
}

function disconnect(client: Redis | Cluster): void {
  // A client that waits to reconnect has nothing to close, and so would never say that it has ended. One that has not
  // begun to connect says so at once.
  if (client.status === 'reconnecting') client.status = 'wait';
  client.disconnect();
}
