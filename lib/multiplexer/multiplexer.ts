import { EventEmitter } from 'node:events';
import { inspect, type InspectOptionsStylized } from 'node:util';
import type { Cluster, ClusterOptions, Redis } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import { configureClusterForAzure, configureForAzure } from '../configure/configure.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import { emitLater } from '../diagnostics.js';
import type { AzureRedisError } from '../errors.js';
import { Connections } from './connections.js';
import { closedError } from './errors.js';
import { MAINTENANCE_CHANNEL, parseMaintenanceEvent } from './maintenance-events.js';
import { splitOptions, type MultiplexerOptions } from './options.js';
import type { SubscribeArguments } from './subscribe-arguments.js';
import { subscribe, type SubscribeParts } from './subscribe.js';
import type { PayloadOf, SubscribeOptions, Subscription, TextOptions } from './subscription.js';
import { clusterTopology, standaloneTopology, type Topology } from './topology.js';
import type {
  MultiplexerConnection,
  MultiplexerEvents,
  MultiplexerStatistics,
  MultiplexerStatus,
} from './types.js';

/**
 * One connection for commands and one for subscriptions, shared by the whole process and kept logged in across token
 * expiries: the ConnectionMultiplexer of StackExchange.Redis for ioredis.
 *
 * With RESP3 both are one connection, which is re-authenticated in place. With RESP2 the subscriber connection is replaced
 * in a handover before its token expires, and no message is lost or delivered twice.
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
  Interactive extends Redis | Cluster = Redis,
> extends EventEmitter<MultiplexerEvents> {
  /** The authenticator of its connections. It outlives the multiplexer and may be shared. */
  readonly authenticator: Authenticator;
  readonly #connections: Connections<Interactive>;
  readonly #subscribeParts: SubscribeParts;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(topology: Topology<Interactive>, options: ConfiguredRedisOptions) {
    super();
    const connections = new Connections(topology, options);
    this.#connections = connections;
    this.authenticator = options.authenticator;
    this.#subscribeParts = {
      kinds: topology.kinds,
      subscriptions: connections.subscriptions,
      subscriber: () => {
        if (!connections.subscriber || this.#closing) throw closedError();
        return connections.subscriber;
      },
      isClosing: () => this.#closing !== undefined,
      failed: (error) => {
        this.#failed(error);
      },
    };
    this.#follow(connections);
  }

  /**
   * Connects with the options that `configureForAzure()` takes, or with its result; with `cluster`, to a cluster.
   *
   * Resolves when all connections are ready. Each is attempted three times, at the intervals of `retryStrategy`.
   *
   * @throws AzureRedisError the errors of `configureForAzure()`; `WRONGPASS` if the cache refuses the identity;
   *   `CONNECTION_FAILED` if no connection was established. Nothing is left open then.
   */
  static connect(options: MultiplexerOptions & { cluster: ClusterOptions }): Promise<Multiplexer<Cluster>>;
  static connect(options: MultiplexerOptions & { cluster?: undefined }): Promise<Multiplexer>;
  static async connect(options: MultiplexerOptions): Promise<Multiplexer | Multiplexer<Cluster>> {
    const { cluster, maintenanceEvents, clientOptions } = splitOptions(options);
    if (cluster) {
      const [nodes, configured] = await configureClusterForAzure({ ...clientOptions, cluster });
      return new Multiplexer(clusterTopology(nodes, configured), configured.redisOptions).#start(
        maintenanceEvents,
      );
    }
    const configured = await configureForAzure(clientOptions);
    return new Multiplexer(standaloneTopology(configured), configured).#start(maintenanceEvents);
  }

  /** The client for commands. `close()` ends it. */
  get interactive(): Interactive {
    return this.#connections.interactive;
  }

  /** The version of RESP that the interactive connection has negotiated. With 3, it carries the subscriptions too. */
  get protocol(): 2 | 3 {
    return this.#connections.protocol;
  }

  /** The state of the multiplexer, for health checks. */
  get status(): MultiplexerStatus {
    if (this.#isClosed) return 'closed';
    if (this.#closing) return 'closing';
    return this.#connections.isReady ? 'ready' : 'reconnecting';
  }

  /** Whether all connections can be used: the status is `ready`. */
  get isConnected(): boolean {
    return this.status === 'ready';
  }

  /** Counters, for monitoring. */
  get statistics(): MultiplexerStatistics {
    return this.#connections.statistics;
  }

  /** A snapshot of the connections: one with RESP3, two with RESP2. */
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
    return subscribe(this.#subscribeParts, 'subscribe', channels, args);
  }

  /**
   * Subscribes to all channels that match one of these patterns (`?`, `*`, `[…]`). As `subscribe()`; the listener receives
   * the pattern as its third argument, and messages that are iterated over have it as `pattern`.
   */
  psubscribe<Options extends SubscribeOptions = TextOptions>(
    patterns: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return subscribe(this.#subscribeParts, 'psubscribe', patterns, args);
  }

  /**
   * Subscribes to shard channels (Redis 7), to which `interactive.spublish()` publishes. As `subscribe()`.
   *
   * @throws AzureRedisError `UNSUPPORTED` with `cluster`, where each node has some of the shard channels.
   */
  ssubscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return subscribe(this.#subscribeParts, 'ssubscribe', channels, args);
  }

  /**
   * Publishes a message, over the interactive connection.
   *
   * @returns The number of connections that received it, as reported by the server.
   * @throws AzureRedisError `CLOSED` after `close()`, `NOPERM` if the identity's role does not permit it; otherwise
   *   ioredis' errors.
   */
  async publish(channel: string, message: string | Buffer): Promise<number> {
    if (this.#closing) throw closedError();
    return this.interactive.publish(channel, message);
  }

  /**
   * Sends PING over the interactive connection; in a cluster, to each primary node.
   *
   * @returns The latency in ms, in a cluster that of the slowest node.
   * @throws AzureRedisError `CLOSED` after `close()`; otherwise ioredis' errors.
   */
  async ping(): Promise<number> {
    if (this.#closing) throw closedError();
    return this.#connections.ping();
  }

  /**
   * Replaces all connections at once, for an application that has found that they do not work. Commands in flight are sent
   * again, if `autoResendUnfulfilledCommands` permits it; messages that are published meanwhile may not arrive. Resolves
   * when all connections are ready again.
   *
   * @throws AzureRedisError `CLOSED` after `close()`; `CONNECTION_FAILED` if the retry strategy gives up.
   */
  async forceReconnect(): Promise<void> {
    if (this.#closing) throw closedError();
    await this.#connections.forceReconnect();
  }

  /**
   * Closes the connections: rejects further commands, waits for the replies in flight (at most 10 s), then quits.
   * Subscriptions end; iterations over them end after the queued messages. Further calls have no effect. The authenticator is
   * not closed: its timers stop while it has no clients, and another multiplexer can use it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
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

  async #start(maintenanceEvents: boolean): Promise<this> {
    try {
      await this.#connections.connect();
      if (maintenanceEvents) await this.#subscribeToMaintenance();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #follow(connections: Connections<Interactive>): void {
    connections.on('lost', (connection, endpoint) => {
      emitLater(this, 'connectionLost', { connection, endpoint });
    });
    connections.on('restored', (connection, endpoint, gap) => {
      emitLater(this, 'connectionRestored', { connection, endpoint, gap });
    });
    connections.on('ended', () => {
      // A multiplexer without its interactive connection cannot be used.
      void this.close();
    });
    connections.on('failed', (error) => {
      this.#failed(error);
    });
  }

  async #subscribeToMaintenance(): Promise<void> {
    const subscribing = this.subscribe(MAINTENANCE_CHANNEL, (message) => {
      const event = parseMaintenanceEvent(message);
      if (!event) return;
      emitLater(this, 'maintenance', event);
      this.#connections.maintain(event);
    });
    // An identity without permission for the channel receives no maintenance events.
    await subscribing.catch(() => undefined);
  }

  async #close(): Promise<void> {
    await this.#connections.close();
    this.#isClosed = true;
  }

  #failed(error: AzureRedisError): void {
    // EventEmitter throws an `error` event that has no listener.
    if (this.listenerCount('error') > 0) emitLater(this, 'error', error);
  }
}
