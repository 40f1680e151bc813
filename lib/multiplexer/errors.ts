import { AzureRedisError } from '../errors.js';
import { messageOf } from '../redaction.js';
import { clusterFailureCause } from '../ioredis/client-control.js';

export function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The multiplexer has been closed.',
    'Call Multiplexer.connect() again; it can reuse the authenticator of the closed multiplexer.',
  );
}

/** The error of a client, as an AzureRedisError. */
export function connectionFailed(error: unknown): AzureRedisError {
  const cause = clusterFailureCause(error);
  if (cause instanceof AzureRedisError) return cause;
  return new AzureRedisError(
    'CONNECTION_FAILED',
    `The connection failed: ${cause instanceof Error ? cause.message : 'it was closed'}`,
    'Check the host and port, and that firewalls, private endpoints and the network allow this machine to reach the cache.',
    { cause },
  );
}

export function listenerFailed(error: unknown, channel: string): AzureRedisError {
  return new AzureRedisError(
    'LISTENER_FAILED',
    `A listener of the channel ${channel} failed: ${messageOf(error)}`,
    'See `cause`; the other listeners received the message.',
    { cause: error },
  );
}

export function subscriptionRefused(error: unknown, names: readonly string[]): AzureRedisError {
  if (error instanceof AzureRedisError) return error;
  return new AzureRedisError(
    'SUBSCRIPTION_REFUSED',
    `The cache refused to subscribe to ${names.join(', ')}: ${messageOf(error)}`,
    'See `cause`, the reply of the cache.',
    { cause: error },
  );
}

export function shardChannelsUnsupported(): AzureRedisError {
  return new AzureRedisError(
    'UNSUPPORTED',
    'One subscriber connection to a cluster cannot subscribe to shard channels: each node has some of them.',
    'Use `subscribe()` and `publish()`, or a separate ioredis Cluster with `shardedSubscribers: true`.',
  );
}
