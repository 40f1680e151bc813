import type { EventEmitter } from 'node:events';
import { emitError, type ClientOptions } from './client.js';
import type { ClusterSubscriber, ShardedSubscribers } from './cluster-subscriptions.js';

/**
 * The members of an ioredis `Cluster` that it declares private or marks `@ignore`, and that this package depends on. Those of
 * sharded subscribers exist from 5.9 on.
 */
export interface ClusterInternals {
  readonly status: string;
  readonly options: { readonly redisOptions?: ClientOptions };
  /** The connection for subscriptions. */
  readonly subscriber: ClusterSubscriber;
  readonly shardedSubscribers?: ShardedSubscribers;
  /** Emits `subscriberConnectFailed`, with a {@link ConnectFailure}. */
  readonly subscriberGroupEmitter?: EventEmitter;
  emit(event: string, ...values: unknown[]): unknown;
  /** Closes all connections, and connects anew: from the startup nodes, whose names are resolved again. */
  disconnect(reconnect: boolean): void;
  /** Asks the known nodes, one after the other, until one answers, and keeps those that it names. */
  refreshSlotsCache(callback: (error?: RefreshError | null) => void): void;
  /** Every change of `status` passes through this method. */
  setStatus(status: string): void;
  /** Decides what becomes of a failed command: it is sent again by one of the handlers, or rejected by `defaults`. */
  handleError(error: Error, ttl: object, handlers: RedirectionHandlers): void;
}

/** What ioredis can do with a failed command. */
export interface RedirectionHandlers {
  readonly defaults: () => void;
}

/** The error of a refresh of the slots. */
interface RefreshError extends Error {
  /** That of the last node, if none of them answered. */
  readonly lastNodeError?: unknown;
}

/**
 * Makes a cluster learn its present nodes, whether or not commands are sent. If none of those that it knows answers, it
 * connects anew, from the configured name; its status then says when it is `ready`.
 */
export async function refreshNodes(
  cluster: Pick<ClusterInternals, 'status' | 'refreshSlotsCache' | 'disconnect'>,
): Promise<void> {
  const error = await new Promise<RefreshError | null | undefined>((resolve) => {
    cluster.refreshSlotsCache(resolve);
  });
  if (error && cluster.status === 'ready' && !isReply(error.lastNodeError)) {
    emitError(cluster, error);
    cluster.disconnect(true);
  }
}

/** A node that refuses the command has answered. */
function isReply(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'command' in error;
}
