import { EventEmitter, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { inspect, type InspectOptionsStylized } from 'node:util';
import type { Cluster, ClusterOptions, Redis } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import { configureClusterForAzure, configureForAzure } from '../configure/configure.js';
import { endpointOf } from '../ioredis/client.js';
import { AzureRedisError } from '../errors.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import type { SubscriptionKind } from './channels.js';
import { closedError } from './closed-error.js';
import { connect, connectionFailed, end, ready, refuseCommands } from './lifecycle.js';
import { MAINTENANCE_CHANNEL, parseMaintenanceEvent, type MaintenanceEvent } from './maintenance-events.js';
import { splitOptions, subscribeArguments, type MultiplexerOptions } from './options.js';
import { connectSubscriber, SubscriberConnection } from './subscriber-connection.js';
import { Subscriber, type SubscriberHost } from './subscriber.js';
import {
  Subscription,
  type MessageListener,
  type PayloadOf,
  type SubscribeOptions,
  type TextOptions,
} from './subscription.js';
import { Subscriptions } from './subscriptions.js';
import { cluster as clusterTopology, standalone, type Topology } from './topology.js';

/** Which of a multiplexer's connections: the one for commands, or the one for subscriptions. */
export type ConnectionName = 'interactive' | 'subscriber';

/**
 * How a multiplexer is: `ready` when all of its connections are; `reconnecting` while one is being made again; `closing`
 * and `closed` once `close()` has been called, or ioredis has given the interactive connection up.
 */
export type MultiplexerStatus = 'ready' | 'reconnecting' | 'closing' | 'closed';

/** A connection of a multiplexer, as it was when the snapshot was taken. */
export interface MultiplexerConnection {
  /** Which of the connections it is. */
  readonly name: ConnectionName;
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** ioredis' status of the client: `ready` when it can be used. */
  readonly status: string;
}

/** The events of a {@link Multiplexer}. None of them ever holds a token, key or secret. */
export interface MultiplexerEvents {
  /** A connection is lost; it is made again by itself. With RESP3 there is only the interactive one. */
  connectionLost: [event: { readonly connection: ConnectionName; readonly endpoint: string }];
  /** It is there again, and subscribed to what it was, after `gap` ms. */
  connectionRestored: [
    event: { readonly connection: ConnectionName; readonly endpoint: string; readonly gap: number },
  ];
  /** Azure has told of maintenance of a node. */
  maintenance: [event: MaintenanceEvent];
  /** Something failed: a connection, or a listener of a subscription. Nobody has to listen to it. */
  error: [error: AzureRedisError];
}

/**
 * One connection for commands and one for subscriptions, shared by the whole process, of which neither sees a token
 * expire: StackExchange.Redis' ConnectionMultiplexer for ioredis.
 *
 * With RESP3 both are one connection, which is re-authenticated in place. With RESP2 the subscriber connection is handed
 * over to a new one before its token ends, without a message that is lost or comes twice.
 *
 * The interactive connection is an ordinary client, but leave to the multiplexer what would get in its own way:
 * subscribe by its methods, and give commands that block, like BLPOP, a client of their own.
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
  /** The identity that its connections log in with. It outlives the multiplexer, and may serve others. */
  readonly authenticator: Authenticator;
  readonly #topology: Topology<Interactive>;
  readonly #options: ConfiguredRedisOptions;
  readonly #subscriptions = new Subscriptions();
  #subscriber: Subscriber | undefined;
  /** The protocol that the interactive connection negotiated last; while it connects, ioredis knows only what it will ask for. */
  #protocol: 2 | 3 = 2;
  /** Since when the interactive connection is lost, by the clock of `performance.now()`. */
  #lostAt: number | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(topology: Topology<Interactive>, options: ConfiguredRedisOptions) {
    super();
    this.#topology = topology;
    this.#options = options;
    this.authenticator = options.authenticator;
  }

  /**
   * Connects with what `configureForAzure()` takes, or with its result; with `cluster`, to a cluster.
   *
   * It resolves when all connections are ready. Each is tried three times, at the intervals of `retryStrategy`.
   *
   * @throws AzureRedisError what `configureForAzure()` throws; `WRONGPASS` if the cache refuses the identity;
   *   `CONNECTION_FAILED` if there is no connection. Nothing is left open then.
   */
  static connect(options: MultiplexerOptions & { cluster: ClusterOptions }): Promise<Multiplexer<Cluster>>;
  static connect(options: MultiplexerOptions & { cluster?: undefined }): Promise<Multiplexer>;
  static async connect(options: MultiplexerOptions): Promise<Multiplexer | Multiplexer<Cluster>> {
    const { cluster, maintenanceEvents, clientOptions } = splitOptions(options);
    if (cluster) {
      const [nodes, configured] = await configureClusterForAzure({ ...clientOptions, cluster });
      return start(
        new Multiplexer(clusterTopology(nodes, configured), configured.redisOptions),
        maintenanceEvents,
      );
    }
    const configured = await configureForAzure(clientOptions);
    return start(new Multiplexer(standalone(configured), configured), maintenanceEvents);

    async function start<Any extends Redis | Cluster>(
      multiplexer: Multiplexer<Any>,
      listensToMaintenance: boolean,
    ): Promise<Multiplexer<Any>> {
      try {
        await multiplexer.#start(listensToMaintenance);
        return multiplexer;
      } catch (error) {
        await multiplexer.close();
        throw error;
      }
    }
  }

  /** The client for commands. `close()` ends it. */
  get interactive(): Interactive {
    return this.#topology.interactive;
  }

  /** The version of RESP that the interactive connection has negotiated. With 3, it carries the subscriptions too. */
  get protocol(): 2 | 3 {
    return this.#protocol;
  }

  /** Whether it can be used, for health checks. */
  get status(): MultiplexerStatus {
    if (this.#isClosed) return 'closed';
    if (this.#closing) return 'closing';
    const isReady = this.interactive.status === 'ready' && this.#subscriber?.connection.isLive;
    return isReady ? 'ready' : 'reconnecting';
  }

  /** The connections, as they are now: one with RESP3, two with RESP2. */
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
   * Subscribes to channels. Any number of subscriptions to a channel cost one SUBSCRIBE. While the connection is down it
   * waits for the next one.
   *
   * `listener` is called with each message and its channel. Without one, iterate over the subscription.
   *
   * @returns The subscription, once the server has confirmed it.
   * @throws AzureRedisError `NOPERM` or `SUBSCRIPTION_REFUSED` if the cache refuses; `CLOSED` after `close()`.
   */
  subscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    options: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  subscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    listener?: MessageListener<PayloadOf<Options>>,
    options?: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  subscribe(
    channels: string | readonly string[],
    listener?: unknown,
    options?: SubscribeOptions,
  ): Promise<Subscription<string | Buffer>> {
    return this.#subscribe('subscribe', channels, listener, options);
  }

  /**
   * Subscribes to all channels that match one of these patterns (`?`, `*`, `[…]`). As `subscribe()`; the listener gets
   * the pattern as its third argument, messages that are iterated over have it as `pattern`.
   */
  psubscribe<Options extends SubscribeOptions = TextOptions>(
    patterns: string | readonly string[],
    options: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  psubscribe<Options extends SubscribeOptions = TextOptions>(
    patterns: string | readonly string[],
    listener?: MessageListener<PayloadOf<Options>>,
    options?: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  psubscribe(
    patterns: string | readonly string[],
    listener?: unknown,
    options?: SubscribeOptions,
  ): Promise<Subscription<string | Buffer>> {
    return this.#subscribe('psubscribe', patterns, listener, options);
  }

  /**
   * Subscribes to shard channels (Redis 7), to which `interactive.spublish()` publishes. As `subscribe()`.
   *
   * @throws AzureRedisError `SUBSCRIPTION_REFUSED` with `cluster`, where each node has some of the shard channels.
   */
  ssubscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    options: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  ssubscribe<Options extends SubscribeOptions = TextOptions>(
    channels: string | readonly string[],
    listener?: MessageListener<PayloadOf<Options>>,
    options?: Options,
  ): Promise<Subscription<PayloadOf<Options>>>;
  ssubscribe(
    channels: string | readonly string[],
    listener?: unknown,
    options?: SubscribeOptions,
  ): Promise<Subscription<string | Buffer>> {
    return this.#subscribe('ssubscribe', channels, listener, options);
  }

  /**
   * Publishes a message, over the interactive connection.
   *
   * @returns How many connections received it, as far as the server knows.
   * @throws AzureRedisError `CLOSED` after `close()`, `NOPERM` if the identity's role does not permit it; else what
   *   ioredis throws.
   */
  async publish(channel: string, message: string | Buffer): Promise<number> {
    if (this.#closing) throw closedError();
    return this.interactive.publish(channel, message);
  }

  /**
   * Ends it: takes no more commands, waits for the replies in flight (at most 10 s), then quits. Subscriptions end; loops
   * over them end after the messages that wait. May be called any number of times. The authenticator is not closed: it
   * rests while it has no connections, and can be used for another multiplexer.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** As `close()`: `await using multiplexer = await Multiplexer.connect(options)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What a log may show. */
  toJSON(): { status: MultiplexerStatus; protocol: 2 | 3; connections: MultiplexerConnection[] } {
    const { status, protocol, connections } = this;
    return { status, protocol, connections };
  }

  /** What `util.inspect()` shows: never a secret. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `Multiplexer ${inspect(this.toJSON(), options)}`;
  }

  get #endpoint(): string {
    return endpointOf({ options: this.#options });
  }

  async #start(listensToMaintenance: boolean): Promise<void> {
    this.#watchInteractive();
    await connect(this.interactive);
    this.#subscriber = await Subscriber.start(this.#host, this.#subscriptions);
    if (listensToMaintenance) await this.#listenToMaintenance(this.#subscriber);
  }

  #watchInteractive(): void {
    const { interactive } = this;
    const listeners = {
      ready: () => {
        this.#protocol = this.#topology.protocol();
        this.#interactiveRestored();
      },
      close: () => {
        this.#interactiveLost();
      },
      end: () => {
        this.#interactiveEnded();
      },
    };
    for (const [event, listener] of Object.entries(listeners)) interactive.on(event, listener);
    interactive.on('error', (error: unknown) => {
      this.#failed(connectionFailed(error));
    });
  }

  #interactiveLost(): void {
    // Before it is up for the first time, and when it closes, there is nothing to lose.
    if (this.#lostAt !== undefined || !this.#subscriber || this.#closing) return;
    this.#lostAt = performance.now();
    this.#tell('connectionLost', { connection: 'interactive', endpoint: this.#endpoint });
  }

  #interactiveRestored(): void {
    const carriesSubscriptions =
      this.#protocol === 3 && this.#subscriber?.connection.client === this.interactive;
    // Then it is restored when it is subscribed again.
    if (!carriesSubscriptions) this.#tellInteractiveRestored();
  }

  #tellInteractiveRestored(): void {
    if (this.#lostAt === undefined) return;
    const gap = Math.round(performance.now() - this.#lostAt);
    this.#lostAt = undefined;
    this.#tell('connectionRestored', { connection: 'interactive', endpoint: this.#endpoint, gap });
  }

  /** ioredis has given it up, as the retry strategy told it to: without it, nothing of this is of use. */
  #interactiveEnded(): void {
    if (!this.#subscriber || this.#closing) return;
    this.#failed(connectionFailed(undefined));
    void this.close();
  }

  async #subscribe(
    kind: SubscriptionKind,
    channels: string | readonly string[],
    listenerOrOptions: unknown,
    maybeOptions: SubscribeOptions | undefined,
  ): Promise<Subscription<string | Buffer>> {
    const { names, listener, buffers, bufferSize } = subscribeArguments(
      channels,
      listenerOrOptions,
      maybeOptions,
    );
    if (!this.#topology.kinds.includes(kind)) throw shardChannelsRefused();
    const subscriber = this.#subscriber;
    if (!subscriber || this.#closing) throw closedError();
    const subscription = new Subscription<string | Buffer>({
      kind,
      names,
      listener,
      bufferSize,
      decode: buffers ? (payload) => payload : (payload) => payload.toString(),
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

  async #leave(subscription: Subscription<string | Buffer>): Promise<void> {
    this.#subscriptions.remove(subscription);
    // A connection that is yet to be made subscribes only to what is wanted then.
    if (this.#closing || !this.#subscriber?.connection.isLive) return;
    await this.#subscriber.sync(subscription.kind, subscription.channels).catch((error: unknown) => {
      if (!this.#closing) throw error;
    });
  }

  readonly #host: SubscriberHost = {
    open: (signal) => this.#openSubscriber(signal),
    publish: (channel, message) => this.#topology.publish(channel, message),
    retryDelay: (failures) => {
      const delay = this.#options.retryStrategy?.(failures);
      return typeof delay === 'number' ? delay : Math.min(2_000, 50 * 2 ** failures);
    },
    tokenRefreshed: async (signal) => {
      await once(this.authenticator, 'tokenRefreshed', { signal });
    },
    lost: ({ client, endpoint }) => {
      if (client !== this.interactive) this.#tell('connectionLost', { connection: 'subscriber', endpoint });
    },
    restored: ({ client, endpoint }, gap) => {
      if (client === this.interactive) this.#tellInteractiveRestored();
      else this.#tell('connectionRestored', { connection: 'subscriber', endpoint, gap });
    },
    failed: (error) => {
      this.#failed(connectionFailed(error));
    },
  };

  async #openSubscriber(signal: AbortSignal): Promise<SubscriberConnection> {
    const { shared } = this.#topology;
    if (shared && this.#protocol === 3) {
      await ready(shared);
      // What it has negotiated if it has just come back may be another protocol than before.
      if (this.protocol === 3) {
        // The client is the application's: it ends, and waits for what it has asked, as that likes.
        return new SubscriberConnection(shared, this.authenticator.connectionOf(shared), {
          end: () => Promise.resolve(),
          unresponsive: () => undefined,
        });
      }
    }
    const client = this.#topology.createSubscriber();
    const connection = this.authenticator.connectionOf(client);
    connection.delegateReplacement(async () => this.#subscriber?.replace(client));
    return connectSubscriber(client, connection, signal);
  }

  async #listenToMaintenance(subscriber: Subscriber): Promise<void> {
    const subscribing = this.subscribe(MAINTENANCE_CHANNEL, (message) => {
      const event = parseMaintenanceEvent(message);
      if (!event) return;
      this.#tell('maintenance', event);
      this.#topology.recoverFrom(event.type, subscriber.connection.client);
    });
    // An identity that may not read the channel has to do without.
    await subscribing.catch(() => undefined);
  }

  async #close(): Promise<void> {
    this.#subscriptions.end();
    const { interactive } = this;
    // Commands that are to be pipelined automatically are sent in the next turn.
    if (interactive.autoPipelineQueueSize > 0) await setImmediate();
    const ended = end(interactive);
    refuseCommands(interactive);
    await Promise.all([ended, this.#subscriber?.close()]);
    this.#isClosed = true;
  }

  #failed(error: AzureRedisError): void {
    // An `error` event that nobody listens to would be thrown.
    if (this.listenerCount('error') > 0) this.#tell('error', error);
  }

  /** Emits in a turn of its own: what a listener throws is its owner's affair, and must not disturb the life cycle. */
  #tell<Name extends keyof MultiplexerEvents>(name: Name, event: MultiplexerEvents[Name][0]): void {
    process.nextTick(() => {
      // TypeScript cannot tell that the tuple of a generic event name is the one built here.
      this.emit<keyof MultiplexerEvents>(name, ...([event] as MultiplexerEvents[Name]));
    });
  }
}

function listenerFailed(error: unknown, channel: string): AzureRedisError {
  return new AzureRedisError(
    'LISTENER_FAILED',
    `A listener of the channel ${channel} failed: ${error instanceof Error ? error.message : String(error)}`,
    'See the cause; other listeners have got the message.',
    { cause: error },
  );
}

function shardChannelsRefused(): AzureRedisError {
  return new AzureRedisError(
    'SUBSCRIPTION_REFUSED',
    'A subscriber connection to a cluster cannot subscribe to shard channels: each node has some of them.',
    'Use `subscribe()` and `publish()`, or an ioredis Cluster of its own with `shardedSubscribers: true`.',
  );
}

function subscriptionRefused(error: unknown, names: readonly string[]): AzureRedisError {
  if (error instanceof AzureRedisError) return error;
  return new AzureRedisError(
    'SUBSCRIPTION_REFUSED',
    `The cache refused to subscribe to ${names.join(', ')}: ${error instanceof Error ? error.message : String(error)}`,
    'See what the cache says against it.',
    { cause: error },
  );
}
