import { AzureRedisError } from '../errors.js';
import { messageOf } from '../redaction.js';
import { clusterFailureCause } from '../ioredis/client-control.js';

export function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The multiplexer has been closed.',
    'Call Multiplexer.connect() again; the authenticator of the closed one can be used for it.',
  );
}

/** The error of a client, as an AzureRedisError. */
export function connectionFailed(error: unknown): AzureRedisError {
  const cause = clusterFailureCause(error);
  if (cause instanceof AzureRedisError) return cause;
  return new AzureRedisError(
    'CONNECTION_FAILED',
    `The connection failed: ${cause instanceof Error ? cause.message : 'it was closed'}`,
    'Check host and port, and that a firewall, private endpoint or the network lets this machine reach the cache.',
    { cause },
  );
}

export function listenerFailed(error: unknown, channel: string): AzureRedisError {
  return new AzureRedisError(
    'LISTENER_FAILED',
    `A listener of the channel ${channel} failed: ${messageOf(error)}`,
    'See the cause; the other listeners received the message.',
    { cause: error },
  );
}

export function subscriptionRefused(error: unknown, names: readonly string[]): AzureRedisError {
  if (error instanceof AzureRedisError) return error;
  return new AzureRedisError(
    'SUBSCRIPTION_REFUSED',
    `The cache refused to subscribe to ${names.join(', ')}: ${messageOf(error)}`,
    "See the cause, which is the cache's reply.",
    { cause: error },
  );
}

export function shardChannelsUnsupported(): AzureRedisError {
  return new AzureRedisError(
    'UNSUPPORTED',
    'One subscriber connection to a cluster cannot subscribe to shard channels: each node has some of them.',
    'Use `subscribe()` and `publish()`, or an ioredis Cluster of its own with `shardedSubscribers: true`.',
  );
}
