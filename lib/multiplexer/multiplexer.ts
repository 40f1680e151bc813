import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { inspect, type InspectOptionsStylized } from 'node:util';
import type { Cluster, ClusterOptions, Redis } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import { configureClusterForAzure, configureForAzure } from '../configure/configure.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import { emitLater } from '../emit-later.js';
import type { AzureRedisError } from '../errors.js';
import { endpointOf } from '../ioredis/client.js';
import { refuseCommands } from '../ioredis/client-control.js';
import type { SubscriptionKind } from './channels.js';
import {
  closedError,
  connectionFailed,
  listenerFailed,
  shardChannelsUnsupported,
  subscriptionRefused,
} from './errors.js';
import { InteractiveConnection } from './interactive-connection.js';
import { MAINTENANCE_CHANNEL, parseMaintenanceEvent } from './maintenance-events.js';
import { splitOptions, type MultiplexerOptions } from './options.js';
import { parseSubscribeArguments, type SubscribeArguments } from './subscribe-arguments.js';
import { Subscriber } from './subscriber.js';
import { Subscription, type PayloadOf, type SubscribeOptions, type TextOptions } from './subscription.js';
import { Subscriptions, type Receiver } from './subscriptions.js';
import { clusterTopology, standaloneTopology, type Topology } from './topology.js';
import type { ConnectionName, MultiplexerConnection, MultiplexerEvents, MultiplexerStatus } from './types.js';

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
  readonly #topology: Topology<Interactive>;
  readonly #options: ConfiguredRedisOptions;
  readonly #interactive: InteractiveConnection<Interactive>;
  readonly #subscriptions = new Subscriptions();
  #subscriber: Subscriber | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(topology: Topology<Interactive>, options: ConfiguredRedisOptions) {
    super();
    this.#topology = topology;
    this.#options = options;
    this.#interactive = new InteractiveConnection(topology);
    this.authenticator = options.authenticator;
    this.#followInteractive();
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
    return this.#interactive.client;
  }

  /** The version of RESP that the interactive connection has negotiated. With 3, it carries the subscriptions too. */
  get protocol(): 2 | 3 {
    return this.#interactive.protocol;
  }

  /** The state of the multiplexer, for health checks. */
  get status(): MultiplexerStatus {
    if (this.#isClosed) return 'closed';
    if (this.#closing) return 'closing';
    return this.#interactive.isReady && this.#subscriber?.connection.isLive ? 'ready' : 'reconnecting';
  }

  /** A snapshot of the connections: one with RESP3, two with RESP2. */
  get connections(): MultiplexerConnection[] {
    const { interactive } = this;
    const connections: MultiplexerConnection[] = [
      { name: 'interactive', endpoint: this.#endpoint, status: interactive.status },
    ];
    const subscriber = this.#subscriber?.connection;
    if (subscriber && subscriber.client !== interactive) {
      connections.push({
        name: 'subscriber',
        endpoint: subscriber.endpoint,
        status: subscriber.isLive ? subscriber.client.status : 'reconnecting',
      });
    }
    return connections;
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
   * Subscribes to all channels that match one of these patterns (`?`, `*`, `[…]`). As `subscribe()`; the listener gets
   * the pattern as its third argument, messages that are iterated over have it as `pattern`.
   */
  psubscribe<Options extends SubscribeOptions = TextOptions>(
    patterns: string | readonly string[],
    ...args: SubscribeArguments<Options>
  ): Promise<Subscription<PayloadOf<Options>>> {
    return this.#subscribe('psubscribe', patterns, args);
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
    return this.#subscribe('ssubscribe', channels, args);
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
  toJSON(): { status: MultiplexerStatus; protocol: 2 | 3; connections: MultiplexerConnection[] } {
    const { status, protocol, connections } = this;
    return { status, protocol, connections };
  }

  /** The output of `util.inspect()`, without secrets. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `Multiplexer ${inspect(this.toJSON(), options)}`;
  }

  get #endpoint(): string {
    return endpointOf({ options: this.#options });
  }

  async #start(maintenanceEvents: boolean): Promise<this> {
    try {
      await this.#interactive.connect();
      await this.#connectSubscriber();
      if (maintenanceEvents) await this.#subscribeToMaintenance();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #followInteractive(): void {
    const interactive = this.#interactive;
    interactive.on('lost', () => {
      this.#reportLost('interactive', this.#endpoint);
    });
    interactive.on('ready', () => {
      // A connection that carries the subscriptions is restored once it is subscribed again.
      if (!this.#carriesSubscriptions()) interactive.reportRestored();
    });
    interactive.on('restored', (gap) => {
      this.#reportRestored('interactive', this.#endpoint, gap);
    });
    interactive.on('ended', () => {
      this.#failed(connectionFailed(undefined));
      // Without commands, the subscriptions are of no use.
      void this.close();
    });
    interactive.on('failed', (error) => {
      this.#failed(connectionFailed(error));
    });
  }

  async #connectSubscriber(): Promise<void> {
    const { authenticator } = this;
    const subscriber = new Subscriber({
      topology: this.#topology,
      interactive: this.#interactive,
      authenticator,
      subscriptions: this.#subscriptions,
      retryStrategy: this.#options.retryStrategy,
    });
    subscriber.on('lost', ({ client, endpoint }) => {
      if (client !== this.interactive) this.#reportLost('subscriber', endpoint);
    });
    subscriber.on('restored', ({ client, endpoint }, gap) => {
      if (client === this.interactive) this.#interactive.reportRestored();
      else this.#reportRestored('subscriber', endpoint, gap);
    });
    subscriber.on('failed', (error) => {
      this.#failed(connectionFailed(error));
    });
    await subscriber.connect();
    this.#subscriber = subscriber;
    this.#interactive.use();
  }

  #carriesSubscriptions(): boolean {
    return this.protocol === 3 && this.#subscriber?.connection.client === this.interactive;
  }

  async #subscribe<Options extends SubscribeOptions>(
    kind: SubscriptionKind,
    channels: string | readonly string[],
    args: SubscribeArguments<Options>,
  ): Promise<Subscription<PayloadOf<Options>>> {
    const { names, listener, buffers, bufferSize } = parseSubscribeArguments(channels, args);
    if (!this.#topology.kinds.includes(kind)) throw shardChannelsUnsupported();
    const subscriber = this.#subscriber;
    if (!subscriber || this.#closing) throw closedError();
    const subscription = new Subscription<PayloadOf<Options>>({
      kind,
      names,
      listener,
      bufferSize,
      // PayloadOf derives the type of the payload from the option `buffers`.
      decode: (payload) => (buffers ? payload : payload.toString()) as PayloadOf<Options>,
      failed: (error, channel) => {
        this.#failed(listenerFailed(error, channel));
      },
      leave: (): Promise<void> => this.#leave(subscription),
    });
    this.#subscriptions.add(subscription);
    try {
      await subscriber.sync(kind, names);
    } catch (error) {
      this.#subscriptions.remove(subscription);
      subscription.end();
      throw subscriptionRefused(error, names);
    }
    return subscription;
  }

  async #leave(subscription: Receiver): Promise<void> {
    this.#subscriptions.remove(subscription);
    // The next connection subscribes only to what is in use then.
    if (this.#closing || !this.#subscriber?.connection.isLive) return;
    await this.#subscriber.sync(subscription.kind, subscription.channels).catch((error: unknown) => {
      if (!this.#closing) throw error;
    });
  }

  async #subscribeToMaintenance(): Promise<void> {
    const subscribing = this.subscribe(MAINTENANCE_CHANNEL, (message) => {
      const event = parseMaintenanceEvent(message);
      if (!event) return;
      emitLater(this, 'maintenance', event);
      if (this.#subscriber) this.#topology.recoverFrom(event.type, this.#subscriber.connection.client);
    });
    // An identity that may not read the channel gets no maintenance events.
    await subscribing.catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#subscriptions.end();
    const { interactive } = this;
    // Commands that are to be pipelined automatically are sent in the next turn.
    if (interactive.autoPipelineQueueSize > 0) await setImmediate();
    const ended = this.#interactive.close();
    refuseCommands(interactive, closedError);
    await Promise.all([ended, this.#subscriber?.close()]);
    this.#isClosed = true;
  }

  #reportLost(connection: ConnectionName, endpoint: string): void {
    emitLater(this, 'connectionLost', { connection, endpoint });
  }

  #reportRestored(connection: ConnectionName, endpoint: string, gap: number): void {
    emitLater(this, 'connectionRestored', { connection, endpoint, gap });
  }

  #failed(error: AzureRedisError): void {
    // EventEmitter throws an `error` event that has no listener.
    if (this.listenerCount('error') > 0) emitLater(this, 'error', error);
  }
}
