import { EventEmitter } from 'node:events';
import { inspect, type InspectOptionsStylized } from 'node:util';
import { Cluster, type ClusterOptions, type Redis } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import { AzureRedisError } from '../errors.js';
import type { SubscriptionKind } from '../ioredis/client.js';
import { assertOption, kindOf } from '../validation.js';
import type { Connections } from './connections.js';
import type { MultiplexerEvents } from './events.js';
import { MAINTENANCE_CHANNEL } from './maintenance-events.js';
import {
  splitOptions,
  type MultiplexerConnection,
  type MultiplexerOptions,
  type MultiplexerStatistics,
  type MultiplexerStatus,
} from './options.js';
import {
  subscriptionSettings,
  type PayloadOf,
  type SubscribeArguments,
  type SubscribeOptions,
  type Subscription,
  type TextOptions,
} from './subscription.js';
import type { Topology } from './topology.js';

/**
 * One connection for commands and one for subscriptions, shared by the whole process and kept logged in across token
 * expiries: the ConnectionMultiplexer of StackExchange.Redis for ioredis.
 *
 * With RESP3 both are re-authenticated in place. With RESP2 the subscriber connection is replaced in a handover before its
 * token expires, and no message is lost or delivered twice.
 *
 * The interactive connection is an ordinary client, with two exceptions: subscribe with the multiplexer's methods, and send
 * blocking commands, such as BLPOP, on a separate client.
 *
 * @example
 * ```ts
 * await using multiplexer = await Multiplexer.connect({ host: 'my-cache.westeurope.redis.azure.net' });
 * await multiplexer.interactive.set('key', 'value');
 * await multiplexer.subscribe('news', (message, channel) => console.log(channel, message));
 * await multiplexer.publish('news', 'hello');
 * ```
 */
export class Multiplexer<
  Interactive extends Redis | Cluster = Redis | Cluster,
> extends EventEmitter<MultiplexerEvents> {
  /** The authenticator of its connections. It outlives the multiplexer and may be shared. */
  readonly authenticator: Authenticator;
  /** The client for commands. `close()` ends it. */
  readonly interactive: Interactive;
  readonly #connections: Connections;

  private constructor(
    topology: Topology<Interactive>,
    createConnections: (multiplexer: EventEmitter<MultiplexerEvents>) => Connections,
  ) {
    super();
    // The constructor is private in TypeScript only.
    if (typeof (createConnections as unknown) !== 'function') {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'A Multiplexer cannot be constructed directly.',
        'Call `await Multiplexer.connect(options)`.',
      );
    }
    this.authenticator = topology.options.authenticator;
    this.interactive = topology.interactive;
    this.#connections = createConnections(this);
  }

  /**
   * Connects with the options that `configureForAzure()` takes, or with its result. The first connection finds out whether the
   * cache is a cluster, unless `cluster` says so.
   *
   * Resolves when all connections are ready. The interactive one is attempted three times, at the intervals of
   * `retryStrategy`.
   *
   * @throws AzureRedisError the errors of `configureForAzure()`; `WRONGPASS` if the cache refuses the identity;
   *   `CLUSTER_MODE_DISABLED` with `cluster`, if the cache is none; `CONNECTION_FAILED` if no connection was established.
   *   Nothing is left open then.
   */
  static connect(
    options: MultiplexerOptions & { cluster: true | ClusterOptions },
  ): Promise<Multiplexer<Cluster>>;
  static connect(options: MultiplexerOptions & { cluster: false }): Promise<Multiplexer<Redis>>;
  static connect(options: MultiplexerOptions): Promise<Multiplexer>;
  static async connect(options: MultiplexerOptions): Promise<Multiplexer> {
    const { cluster, maintenanceEvents, clientOptions } = splitOptions(options);
    // Most applications use clients alone: their start does not wait for this.
    const { Connections, connectTopology } = await import('./connections.js');
    const topology: Topology = await connectTopology(clientOptions, cluster);
    const multiplexer = new Multiplexer(topology, (events) => new Connections(topology, events));
    try {
      await multiplexer.#connections.connect();
    } catch (error) {
      await multiplexer.close();
      throw error;
    }
    if (maintenanceEvents) {
      const subscribing = multiplexer.subscribe(MAINTENANCE_CHANNEL, (message) => {
        multiplexer.#connections.maintain(message);
      });
      // An identity without permission for the channel receives no maintenance events.
      await subscribing.catch(() => undefined);
    }
    return multiplexer;
  }

  /** Whether the cache is a cluster: `interactive` is a `Cluster`, otherwise a `Redis`. */
  get isCluster(): boolean {
    return this.interactive instanceof Cluster;
  }

  /** The version of RESP that the interactive connection has negotiated. */
  get protocol(): 2 | 3 {
    return this.#connections.protocol;
  }

  /** The state of the multiplexer, for health checks. */
  get status(): MultiplexerStatus {
    return this.#connections.status;
  }

  /** Whether all connections can be used, and no subscription is missing: the status is `ready`. */
  get isConnected(): boolean {
    return this.status === 'ready';
  }

  /** Counters, for monitoring. */
  get statistics(): MultiplexerStatistics {
    return this.#connections.statistics;
  }

  /** A snapshot of the connections: an interactive one and a subscriber; in a cluster, one more for each node with shard channels. */
  get connections(): MultiplexerConnection[] {
    return this.#connections.snapshot();
  }

  /**
   * Subscribes to channels. All subscriptions to a channel share one SUBSCRIBE. Without a connection, it waits for the next
   * one.
   *
   * @example
   * ```ts
   * const subscription = await multiplexer.subscribe('news', (message, channel) => console.log(channel, message));
   * await subscription.unsubscribe();
   *
   * for await (const { message } of await multiplexer.subscribe('images', { buffers: true })) console.log(message.length);
   * ```
   *
   * @param args A listener, which is called with each message and its channel, then options; or options alone. Without a
   *   listener, iterate over the subscription.
   * @returns The subscription, once the server has confirmed it.
   * @throws AzureRedisError `NOPERM` or `SUBSCRIPTION_REFUSED` if the cache rejects it; `CLOSED` after `close()`.
   */
  subscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return this.#subscribe('subscribe', channels, args);
  }

  /**
   * Subscribes to all channels that match one of these patterns (`?`, `*`, `[…]`). As `subscribe()`; the listener receives
   * the pattern as its third argument, and messages that are iterated over have it as `pattern`.
   */
  psubscribe<Options extends SubscribeOptions = TextOptions>(
    patterns: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return this.#subscribe('psubscribe', patterns, args);
  }

  /**
   * Subscribes to shard channels (Redis 7), to which `interactive.spublish()` publishes. As `subscribe()`. In a cluster, over
   * a connection to each node that has some of them; they follow their slots to other nodes.
   */
  ssubscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return this.#subscribe('ssubscribe', channels, args);
  }

  /**
   * Publishes a message, over the interactive connection.
   *
   * @returns The number of connections that received it, as reported by the server.
   * @throws AzureRedisError `INVALID_OPTION`; `CLOSED` after `close()`; `NOPERM` if the identity's role does not permit it;
   *   otherwise ioredis' errors.
   */
  async publish(channel: string, message: string | Buffer): Promise<number> {
    this.#connections.requireOpen();
    assertOption(typeof channel === 'string', 'channel', channel, 'a string');
    const isMessage = typeof message === 'string' || Buffer.isBuffer(message);
    assertOption(isMessage, 'message', message, 'a string or a Buffer', { got: kindOf(message) });
    return this.interactive.publish(channel, message);
  }

  /**
   * Sends PING over the interactive connection; in a cluster, to each primary node.
   *
   * @returns The latency in ms, in a cluster that of the slowest node.
   * @throws AzureRedisError `CLOSED` after `close()`, `CONNECTION_FAILED` while a cluster has no node; otherwise ioredis' errors.
   */
  ping(): Promise<number> {
    return this.#connections.ping();
  }

  /**
   * Replaces all connections at once, for an application that has found that they do not work. Commands in flight are sent
   * again, if `autoResendUnfulfilledCommands` permits it; messages that are published meanwhile may not arrive. Resolves
   * when all connections are ready again.
   *
   * @throws AzureRedisError `CLOSED` after `close()`; `CONNECTION_FAILED` if the retry strategy gives up.
   */
  forceReconnect(): Promise<void> {
    return this.#connections.forceReconnect();
  }

  /**
   * Closes the connections: rejects further commands, waits for the replies in flight (at most 10 s), then quits.
   * Subscriptions end; iterations over them end after the queued messages. Further calls have no effect. The authenticator is
   * not closed: its timers stop while it has no clients, and another multiplexer can use it.
   */
  close(): Promise<void> {
    return this.#connections.close();
  }

  /** As `close()`: `await using multiplexer = await Multiplexer.connect(options)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The state without secrets, for logs. */
  toJSON(): Pick<
    Multiplexer<Interactive>,
    'status' | 'isConnected' | 'protocol' | 'connections' | 'statistics'
  > {
    const { status, isConnected, protocol, connections, statistics } = this;
    return { status, isConnected, protocol, connections, statistics };
  }

  /** The output of `util.inspect()`, without secrets. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `Multiplexer ${inspect(this.toJSON(), options)}`;
  }

  async #subscribe<Options extends SubscribeOptions>(
    kind: SubscriptionKind,
    channels: string | readonly string[],
    args: SubscribeArguments<Options>,
  ): Promise<Subscription<PayloadOf<Options>>> {
    return this.#connections.subscribe(subscriptionSettings(kind, channels, args));
  }
}
