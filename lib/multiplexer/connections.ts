import type { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Cluster } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import { AzureRedisError } from '../errors.js';
import { commandsInFlight, endpointOf, refuseCommands, type SubscriptionKind } from '../ioredis/client.js';
import type { Refusal } from '../ioredis/resubscribe.js';
import { messageOf } from '../redaction.js';
import { Subscriptions } from './channels.js';
import { closedError, end } from './client-lifecycle.js';
import { Reporter, type MultiplexerEvents } from './events.js';
import { MAINTENANCE_CHANNEL, parseMaintenanceEvent } from './maintenance-events.js';
import type { MultiplexerConnection, MultiplexerStatistics, MultiplexerStatus } from './options.js';
import { ShardSubscribers } from './shard-subscribers.js';
import { refusalOf } from './subscriber-connection.js';
import { Subscriber, type SubscriberRoute } from './subscriber.js';
import { Subscription, type SubscriptionSettings } from './subscription.js';
import { outsideTransaction, ping, protocolOf, reconnect, type Topology } from './topology.js';

export { connectTopology } from './topology.js';

/**
 * The connections of a multiplexer: an interactive one, and a subscriber for its channels and patterns. In a cluster, shard
 * channels are at the nodes of their slots, and each of these nodes has a subscriber of its own.
 */
export class Connections {
  readonly #topology: Topology;
  readonly #reporter: Reporter;
  readonly #subscriptions = new Subscriptions();
  readonly #subscriber: Subscriber;
  /** In a cluster. */
  readonly #shards: ShardSubscribers | undefined;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  /** The protocol that was negotiated last: while it connects, ioredis knows only the one that it will request. */
  #protocol: 2 | 3;
  /** Since when the interactive connection is lost (`performance.now()`). */
  #lostAt: number | undefined;

  constructor(topology: Topology, multiplexer: EventEmitter<MultiplexerEvents>) {
    this.#topology = topology;
    const reporter = new Reporter(multiplexer);
    this.#reporter = reporter;
    const { interactive, options } = topology;
    this.#protocol = protocolOf(interactive);
    const subscriptions = this.#subscriptions;
    if (interactive instanceof Cluster) {
      this.#shards = new ShardSubscribers(interactive, options, subscriptions, reporter);
      interactive.on('refresh', () => {
        // A node without slots has left the cluster, or will: if it stays up, it receives no messages.
        const endpoint = this.#subscriber.connection?.endpoint ?? '';
        const hasSlots = interactive.slots.some((nodes) => nodes.includes(endpoint));
        if (!hasSlots) this.#subscriber.replaceConnection('maintenance');
      });
    }
    const route: SubscriberRoute = {
      createClient: (failures) => topology.createSubscriber(failures),
      carries: (kind) => kind !== 'ssubscribe' || !this.#shards,
      publish: (marker) => outsideTransaction(topology, () => interactive.publish(marker, '')),
    };
    this.#subscriber = new Subscriber(route, subscriptions, options, reporter);
    for (const [event, listener] of Object.entries(this.#listeners)) interactive.on(event, listener);
    options.authenticator.on('tokenRefreshed', this.#retry);
    raiseListenerLimit(options.authenticator, 1);
  }

  get protocol(): 2 | 3 {
    return this.#protocol;
  }

  get status(): MultiplexerStatus {
    if (this.#closing) return this.#isClosed ? 'closed' : 'closing';
    const isReady = this.#topology.interactive.status === 'ready' && this.#all.every(({ isLive }) => isLive);
    if (!isReady) return 'reconnecting';
    return this.#missing > 0 ? 'degraded' : 'ready';
  }

  get statistics(): MultiplexerStatistics {
    return {
      commandsInFlight: commandsInFlight(this.#topology.interactive),
      reconnects: this.#reporter.reconnects,
      handovers: this.#reporter.handovers,
      messages: this.#subscriptions.delivered,
      missingSubscriptions: this.#missing,
    };
  }

  snapshot(): MultiplexerConnection[] {
    const { status } = this.#topology.interactive;
    const subscribers = this.#all.flatMap(({ connection, isLive }) => {
      if (!connection) return [];
      const { endpoint, client } = connection;
      return [{ name: 'subscriber', endpoint, status: isLive ? client.status : 'reconnecting' } as const];
    });
    return [{ name: 'interactive', endpoint: this.#endpoint, status }, ...subscribers];
  }

  /** Opens the subscriber connection. @throws AzureRedisError */
  async connect(): Promise<void> {
    await this.#subscriber.connect();
  }

  /** Adds a subscription. Resolves when the server has confirmed it. @throws AzureRedisError */
  async subscribe<Payload extends string | Buffer>(
    settings: SubscriptionSettings<Payload>,
  ): Promise<Subscription<Payload>> {
    this.requireOpen();
    const { kind, names } = settings;
    const leave = async (): Promise<void> => {
      this.#subscriptions.remove(subscription);
      await this.#sync(kind, names);
    };
    const subscription = new Subscription(settings, leave, (cause, channel) => {
      const message = `A listener of the channel ${channel} failed: ${messageOf(cause)}`;
      const hint = 'See `cause`; the other listeners received the message.';
      this.#failed(new AzureRedisError('LISTENER_FAILED', message, hint, { cause }));
    });
    this.#subscriptions.add(subscription);
    const refusals = await this.#sync(kind, names);
    this.requireOpen();
    if (refusals.length === 0) return subscription;
    // The server may have permitted some of them.
    subscription.unsubscribe().catch(() => undefined);
    throw refusalOf(refusals);
  }

  /** Reports maintenance that a message announces, and recovers from it. */
  maintain(message: string): void {
    const event = parseMaintenanceEvent(message);
    if (!event) return;
    this.#reporter.announced(event);
    this.#topology.recoverFrom(event.type, this.#subscriber);
  }

  /** Sends PING over the interactive connection. Resolves to the longest latency, in ms. @throws AzureRedisError */
  async ping(): Promise<number> {
    this.requireOpen();
    return ping(this.#topology);
  }

  /** Replaces all connections at once. Resolves when they are ready again. @throws AzureRedisError */
  async forceReconnect(): Promise<void> {
    this.requireOpen();
    const subscribers = this.#all.map((subscriber) => subscriber.forceReconnect());
    await Promise.all([reconnect(this.#topology), ...subscribers]);
    this.requireOpen();
  }

  /** @throws AzureRedisError `CLOSED` after `close()`. */
  requireOpen(): void {
    if (this.#closing) throw closedError();
  }

  /** Rejects further commands, waits for the replies in flight, and ends the clients. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { interactive, options } = this.#topology;
    this.#subscriptions.end();
    options.authenticator.off('tokenRefreshed', this.#retry);
    raiseListenerLimit(options.authenticator, -1);
    // Commands queued by autopipelining are sent in the next turn of the event loop.
    if (interactive.autoPipelineQueueSize > 0) await nextTurn();
    const ended = end(interactive);
    refuseCommands(interactive, closedError);
    await Promise.all([ended, this.#subscriber.close(), this.#shards?.close()]);
    this.#isClosed = true;
  }

  get #all(): Subscriber[] {
    return [this.#subscriber, ...(this.#shards?.subscribers ?? [])];
  }

  get #endpoint(): string {
    return endpointOf({ options: this.#topology.options });
  }

  /** How many channels and patterns in use are refused. */
  get #missing(): number {
    const missing = this.#all.flatMap((subscriber) => subscriber.missing);
    // The application works without maintenance events, which not every role may receive.
    return missing.filter(({ name }) => name !== MAINTENANCE_CHANNEL).length;
  }

  /** Those of the interactive connection. */
  readonly #listeners = {
    ready: () => {
      this.#protocol = protocolOf(this.#topology.interactive);
      if (this.#lostAt === undefined) return;
      const gap = Math.round(performance.now() - this.#lostAt);
      this.#lostAt = undefined;
      this.#reporter.restored('interactive', this.#endpoint, gap);
      this.#topology.checkKind().catch(this.#failed);
    },
    close: () => {
      if (this.#lostAt !== undefined || this.#closing) return;
      this.#lostAt = performance.now();
      this.#reporter.lost('interactive', this.#endpoint);
    },
    end: () => {
      if (this.#closing) return;
      this.#failed(undefined);
      // A multiplexer without its interactive connection cannot be used.
      void this.close();
    },
    error: (error: unknown) => {
      this.#failed(error);
    },
  };

  readonly #failed = (error: unknown): void => {
    this.#reporter.failed(error);
  };

  /** Repeats at once what has failed. */
  readonly #retry = (): void => {
    for (const subscriber of this.#all) subscriber.retry();
  };

  #sync(kind: SubscriptionKind, names: readonly string[]): Promise<readonly Refusal[]> {
    return kind === 'ssubscribe' && this.#shards
      ? this.#shards.sync(names)
      : this.#subscriber.sync(kind, names);
  }
}

/** Many multiplexers may share an authenticator: each is no leak of listeners. 0 is no limit. */
function raiseListenerLimit(authenticator: Authenticator, by: number): void {
  const limit = authenticator.getMaxListeners();
  if (limit > 0) authenticator.setMaxListeners(limit + by);
}
