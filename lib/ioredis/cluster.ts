import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisError } from '../errors.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { emitError, endpointOf, type Client, type ClientOptions, type SubscriptionSet } from './client.js';
import { connectWith, subscribeUntilAccepted, subscriptionsOf } from './resubscribe.js';

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

/** A cluster's own client for subscriptions, on a node of its choice. ioredis replaces one that has ended. */
interface ClusterSubscriber {
  /** `null` while the cluster is not connected, or knows no node. */
  getInstance(): Client | null;
  /** The last one that was subscribed. */
  lastActiveSubscriber?: Client | undefined;
  /** Ends the present client, and creates one on a node that is chosen at random. */
  selectSubscriber: () => void;
  stop: () => void;
}

/** A cluster's clients for shard channels, one a node. ioredis refreshes the slots when one of them ends. */
interface ShardedSubscribers {
  /** By the address of the node. */
  readonly shardedSubscribers: ReadonlyMap<string, { getInstance(): Client | null }>;
  /** The addresses of each slot's nodes, its master first. */
  readonly clusterSlots: readonly (readonly string[])[];
  /** The channels in use, by slot. */
  readonly channels: ReadonlyMap<number, readonly string[]>;
  /** Called after the clients were replaced. */
  _resubscribe: () => void;
}

/** The failure of a client for shard channels to connect, and when to refresh the slots, in ms from now. */
interface ConnectFailure {
  readonly error: Error;
  readonly delay: number;
}

/**
 * Makes a cluster learn its present nodes, whether or not commands are sent. If none of those that it knows answers, it
 * connects anew, from the configured name; its status then says when it is `ready`.
 */
async function refreshNodes(cluster: ClusterInternals): Promise<void> {
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

/** The waits between attempts to connect, in ms. */
const RECONNECT: Backoff = { minTimeout: 100, maxTimeout: 2_000, factor: 2, randomize: true };

/**
 * How often a subscribed cluster asks for its present nodes, in ms, as StackExchange.Redis does: a node that has left the
 * cluster may stay up, and receives no messages. ioredis' own `slotsRefreshInterval` may go on after the cluster has ended.
 */
const REFRESH_INTERVAL = 60_000;

/** The names that ioredis gives to the connections of a `Cluster` for its subscriptions, sharded ones included. */
const NAME = /^ioredis-cluster\(s?subscriber\)/;

/** Whether a `Cluster` made the client for its subscriptions. */
export function isClusterSubscriber({ options: { connectionName } }: Client): boolean {
  return connectionName !== undefined && NAME.test(connectionName);
}

/** The replacements of a client, by this client. */
const successions = new WeakMap<Client, Succession>();

/** Resolves when the cluster of this client has subscribed another one in its place; `undefined` if it has no cluster. */
export function succeeded(client: Client): Promise<void> | undefined {
  return successions.get(client)?.of(client);
}

/** Those who wait until a client of one cluster was replaced. */
class Succession {
  readonly #waiting = new Map<Client, () => void>();

  of(predecessor: Client): Promise<void> {
    successions.delete(predecessor);
    return new Promise((resolve) => {
      this.#waiting.set(predecessor, resolve);
    });
  }

  /** The subscriptions of those that `isReplaced` applies to are restored. */
  restored(isReplaced: (predecessor: Client) => boolean): void {
    for (const [predecessor, resolve] of this.#waiting) {
      if (!isReplaced(predecessor)) continue;
      this.#waiting.delete(predecessor);
      resolve();
    }
  }
}

const kept = new WeakSet<ClusterInternals>();

/** Keeps the subscriptions of a cluster through the loss of its nodes, and through refusals by the server. */
export function keepSubscribed(cluster: ClusterInternals): void {
  if (kept.has(cluster)) return;
  kept.add(cluster);
  new SubscriberSelection(cluster);
  if (cluster.shardedSubscribers) keepShardsSubscribed(cluster, cluster.shardedSubscribers);
}

/**
 * Chooses the node of a cluster's subscriber. ioredis itself chooses among the nodes that it knows, without waiting, and
 * learns of others only by commands: a process that sends none would try lost nodes for ever.
 */
class SubscriberSelection {
  readonly #cluster: ClusterInternals;
  readonly #select: () => void;
  readonly #succession = new Succession();
  #subscriptions: SubscriptionSet | undefined;
  #selectedAt = 0;
  #wasReady = false;
  #failures = 0;
  /** Ends the wait for the next attempt. */
  #waiting: AbortController | undefined;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(cluster: ClusterInternals) {
    this.#cluster = cluster;
    const { subscriber } = cluster;
    const { selectSubscriber, stop } = subscriber;
    this.#select = selectSubscriber.bind(subscriber);
    subscriber.selectSubscriber = () => {
      this.#selectAgain();
    };
    subscriber.stop = () => {
      this.#waiting?.abort();
      this.#waiting = undefined;
      clearInterval(this.#refreshing);
      this.#refreshing = undefined;
      stop.call(subscriber);
    };
    // A copy of ioredis that is found late has chosen already.
    const current = subscriber.getInstance();
    if (current) this.#use(current);
  }

  /** Called every {@link REFRESH_INTERVAL}. */
  #refresh(): void {
    const { status, subscriber } = this.#cluster;
    // A cluster that its retry strategy gives up does not stop its subscriber.
    if (status === 'end') clearInterval(this.#refreshing);
    else if (subscriber.getInstance()?.status === 'ready') void refreshNodes(this.#cluster);
  }

  #selectAgain(): void {
    if (this.#waiting) return;
    const lasted = performance.now() - this.#selectedAt;
    const hasFailed = this.#cluster.subscriber.getInstance()?.status === 'end';
    // The loss of one that worked is answered at once: messages are missed meanwhile.
    if (!hasFailed || (this.#wasReady && lasted > RECONNECT.maxTimeout)) {
      this.#failures = 0;
      this.#selectNow();
    } else {
      this.#failures += 1;
      void this.#selectLater(backoffDelay(this.#failures, RECONNECT) - lasted);
    }
  }

  async #selectLater(delay: number): Promise<void> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { signal } = waiting;
    // This timer keeps the process alive, as the one of a client that waits to reconnect does.
    await sleep(Math.max(0, delay), undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await refreshNodes(this.#cluster);
    if (signal.aborted) return;
    this.#waiting = undefined;
    this.#selectNow();
  }

  #selectNow(): void {
    const { subscriber } = this.#cluster;
    const previous = subscriber.getInstance() ?? subscriber.lastActiveSubscriber;
    if (previous) this.#subscriptions = subscriptionsOf(previous);
    // ioredis would subscribe the next one to its channels, without heeding a refusal, and forget those of one that fails.
    subscriber.lastActiveSubscriber = undefined;
    this.#select();
    const next = subscriber.getInstance();
    if (next) this.#use(next);
  }

  #use(client: Client): void {
    this.#refreshing ??= setInterval(() => {
      this.#refresh();
    }, REFRESH_INTERVAL).unref();
    this.#selectedAt = performance.now();
    this.#wasReady = client.status === 'ready';
    client.once('ready', () => {
      this.#wasReady = true;
    });
    client.on('error', (error) => {
      this.#report(client, error);
    });
    successions.set(client, this.#succession);
    if (!this.#subscriptions) return;
    connectWith(client, this.#subscriptions, () => {
      this.#succession.restored((predecessor) => predecessor !== client);
    });
  }

  #report(client: Client, error: unknown): void {
    const isRefusal = error instanceof AzureRedisError && error.code === 'SUBSCRIPTION_REFUSED';
    if (isRefusal) emitError(this.#cluster, error);
    else this.#cluster.emit('node error', error, endpointOf(client));
  }
}

/** Subscribes the clients for shard channels, each time that some were replaced, until the server accepts the channels. */
function keepShardsSubscribed(cluster: ClusterInternals, group: ShardedSubscribers): void {
  const succession = new Succession();

  // ioredis throws this error if nobody listens, and does not refresh the slots then.
  const event = 'subscriberConnectFailed';
  cluster.subscriberGroupEmitter?.removeAllListeners(event).on(event, ({ error, delay }: ConnectFailure) => {
    emitError(cluster, error);
    setTimeout(() => void refreshNodes(cluster), delay);
  });

  /** The channels in use whose slots are at this address. */
  const wantedAt = (address: string): string[] =>
    [...group.channels].flatMap(([slot, names]) => (group.clusterSlots[slot]?.[0] === address ? names : []));

  async function restore(client: Client, address: string): Promise<void> {
    const wanted = (): string[] => wantedAt(address);
    const report = (error: AzureRedisError): void => {
      emitError(cluster, error);
    };
    if (!(await subscribeUntilAccepted(client, 'ssubscribe', wanted, report))) return;
    succession.restored((predecessor) => {
      // While it is being ended, it may still be answered.
      if (predecessor === client) return false;
      const place = endpointOf(predecessor);
      // Its slots may have moved to other nodes. One that has not been replaced yet has no instance.
      return group.shardedSubscribers.get(place)?.getInstance() === client || wantedAt(place).length === 0;
    });
  }

  group._resubscribe = () => {
    for (const [address, shard] of group.shardedSubscribers) {
      const client = shard.getInstance();
      if (!client) continue;
      successions.set(client, succession);
      if (client.status === 'ready') void restore(client, address);
      else client.once('ready', () => void restore(client, address));
    }
  };
}
