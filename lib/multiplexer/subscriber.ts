import type { Redis } from 'ioredis';
import type { Delivery, RecycleReason, Replacement } from '../connection/events.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import { SUBSCRIPTION_KINDS, type SubscriptionKind } from '../ioredis/client.js';
import type { Refusal } from '../ioredis/resubscribe.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { CloseSignal, pause } from '../timing/close-signal.js';
import { Mutex } from '../timing/timeouts.js';
import type { Message, Subscriptions } from './channels.js';
import { closedError } from './client-lifecycle.js';
import { deliveryAcrossGap, Handover, switchOver } from './handover.js';
import type { Reporter } from './events.js';
import { ConnectionLost, isRedirection, refusalOf, SubscriberConnection } from './subscriber-connection.js';

/** What a subscriber subscribes to, and where. */
export interface SubscriberRoute {
  /** Creates a client for a new connection, after so many failed attempts. It is not connected yet. */
  createClient(failures: number): Redis;
  /** Whether a subscription to this channel or pattern is its task. */
  carries(kind: SubscriptionKind, name: string): boolean;
  /** Publishes a message to its channels, outside any transaction. */
  publish(channel: string): Promise<unknown>;
  /** Called when the slot of a shard channel has moved. */
  moved?(): void;
}

/** The waits before refused channels are subscribed again, in ms. */
const RETRY_REFUSED: Backoff = { minTimeout: 500, maxTimeout: 60_000, factor: 2, randomize: true };

/**
 * Keeps one connection subscribed to the channels in use. A lost connection is replaced; one that has to be replaced stays
 * in use until its successor has all of its subscriptions.
 *
 * The path of a message: a connection receives it and passes it to the handover in progress, if any, whose output is
 * delivered to the subscriptions.
 */
export class Subscriber {
  readonly #route: SubscriberRoute;
  readonly #subscriptions: Subscriptions;
  readonly #options: ConfiguredRedisOptions;
  readonly #reporter: Reporter;
  readonly #closing = new AbortController();
  /** The subscribed channels do not change while one connection replaces another. */
  readonly #mutex = new Mutex();
  #connection: SubscriberConnection | undefined;
  #handover: Handover | undefined;
  #replacing: Promise<Replacement | undefined> | undefined;
  /** Ends the wait before the next attempt to connect. */
  #pause: CloseSignal | undefined;
  /** Resolves when all predecessors have ended. */
  #ending: Promise<unknown> = Promise.resolve();
  #refusals: readonly Refusal[] = [];
  #refusedInARow = 0;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(
    route: SubscriberRoute,
    subscriptions: Subscriptions,
    options: ConfiguredRedisOptions,
    reporter: Reporter,
  ) {
    this.#route = route;
    this.#subscriptions = subscriptions;
    this.#options = options;
    this.#reporter = reporter;
  }

  /** The connection in use, or the last one. */
  get connection(): SubscriberConnection | undefined {
    return this.#connection;
  }

  get isLive(): boolean {
    return this.#connection?.isLive === true;
  }

  /** The channels and patterns in use that the server has refused since. */
  get missing(): readonly Refusal[] {
    return this.#refusals.filter(
      ({ kind, name }) => this.#isWanted(kind, name) && this.#connection?.has(kind, name) !== true,
    );
  }

  /** Opens the first connection, in one attempt. @throws AzureRedisError */
  async connect(): Promise<void> {
    this.#connection = await this.#open(0);
  }

  /**
   * Subscribes to those of these channels or patterns that are in use, and unsubscribes from the others; over the next
   * connection, if there is none. Resolves to those that were refused: all of them, with `CLOSED`, after `close()`.
   */
  async sync(kind: SubscriptionKind, names: readonly string[]): Promise<readonly Refusal[]> {
    // The next connection subscribes only to those that are in use then.
    while (this.isLive || names.some((name) => this.#isWanted(kind, name))) {
      await this.#waitUntilLive();
      if (this.#isClosing) return names.map((name) => ({ kind, name, error: closedError() }));
      try {
        return await this.#mutex.runExclusive(async () => this.#update(this.#live, kind, names));
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
    return [];
  }

  /** Does at once what waits to be attempted again. */
  readonly retry = (): void => {
    this.#pause?.close();
    if (this.missing.length > 0) this.resubscribe();
  };

  /** Subscribes to what is in use and not subscribed. */
  resubscribe(): void {
    if (!this.isLive) void this.#replaceCurrent();
    // If the connection is lost, the next one is subscribed to them.
    else this.#mutex.runExclusive(async () => this.#subscribeAll(this.#live)).catch(() => undefined);
  }

  /** Replaces the connection, if it is live, without losing messages if possible. */
  replaceConnection(reason: RecycleReason): void {
    if (this.isLive) void this.#connection?.managed.replaceConnection(reason);
  }

  /** Replaces the connection at once. Resolves when the next one has its subscriptions, or the subscriber is closed. */
  async forceReconnect(): Promise<void> {
    if (this.isLive) await this.#connection?.managed.replaceConnection('requested');
    else this.retry();
    await this.#waitUntilLive();
  }

  /** Resolves when all of its connections are closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#pause?.close();
    this.#handover?.interrupt();
    clearTimeout(this.#retryTimer);
    // It may still succeed.
    await this.#replacing;
    await this.#connection?.end();
    await this.#ending;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  #isWanted(kind: SubscriptionKind, name: string): boolean {
    return this.#subscriptions.has(kind, name) && this.#route.carries(kind, name);
  }

  readonly #message = (connection: SubscriberConnection, message: Message): void => {
    if (this.#handover) this.#handover.receive(connection, message);
    else this.#subscriptions.deliver(message);
  };

  readonly #closed = (connection: SubscriberConnection): void => {
    this.#handover?.interrupt();
    if (this.#isClosing || connection !== this.#connection) return;
    this.#reporter.lost('subscriber', connection.endpoint);
    this.#pause?.close();
    void this.#replaceClient(connection.client);
  };

  readonly #moved = (connection: SubscriberConnection): void => {
    if (connection === this.#connection) this.#route.moved?.();
  };

  #open(failures: number): Promise<SubscriberConnection> {
    const client = this.#route.createClient(failures);
    const managed = this.#options.authenticator.managedClientOf(client);
    // Over RESP3 it is re-authenticated in place, and replaced for other reasons only.
    managed.delegateReplacement(() => this.#replaceClient(client));
    const listeners = { message: this.#message, closed: this.#closed, moved: this.#moved };
    return SubscriberConnection.open(client, managed, listeners, this.#closing.signal);
  }

  /** @throws ConnectionLost */
  get #live(): SubscriberConnection {
    if (!this.#connection?.isLive) throw new ConnectionLost();
    return this.#connection;
  }

  /** @throws ConnectionLost, or the server's error. */
  async #update(
    connection: SubscriberConnection,
    kind: SubscriptionKind,
    names: readonly string[],
  ): Promise<Refusal[]> {
    const isSubscribed = (name: string): boolean => connection.has(kind, name);
    const joined = names.filter((name) => this.#isWanted(kind, name) && !isSubscribed(name));
    const left = names.filter((name) => isSubscribed(name) && !this.#subscriptions.has(kind, name));
    const [refusals] = await Promise.all([
      connection.subscribe(kind, joined),
      connection.unsubscribe(kind, left),
    ]);
    return refusals;
  }

  /** Subscribes to every channel and pattern in use; those that are refused, again later. @throws ConnectionLost */
  async #subscribeAll(connection: SubscriberConnection): Promise<void> {
    const outcomes = SUBSCRIPTION_KINDS.map((kind) =>
      this.#update(connection, kind, this.#subscriptions.names(kind)),
    );
    this.#refusals = (await Promise.all(outcomes)).flat();
    clearTimeout(this.#retryTimer);
    this.#refusedInARow = this.#refusals.length > 0 ? this.#refusedInARow + 1 : 0;
    if (this.#refusedInARow === 0 || this.#isClosing) return;
    const refused = this.#refusals.filter(({ error }) => !isRedirection(error));
    if (refused.length > 0) this.#reporter.failed(refusalOf(refused));
    const delay = backoffDelay(this.#refusedInARow, RETRY_REFUSED);
    this.#retryTimer = setTimeout(this.retry, delay).unref();
  }

  async #waitUntilLive(): Promise<void> {
    while (!this.isLive && !this.#isClosing) await this.#replaceCurrent();
  }

  /**
   * Replaces this client's connection, or joins its replacement in progress. Attempts continue until one succeeds; resolves
   * to `undefined` only if the client no longer carries subscriptions, or the subscriber is closed before.
   */
  async #replaceClient(client: Redis): Promise<Replacement | undefined> {
    // A successor may be outdated before it is in use: the replacement of its predecessor is not its own.
    while (this.#replacing && this.#connection?.client !== client) await this.#replacing;
    return this.#connection?.client === client ? this.#replaceCurrent() : undefined;
  }

  #replaceCurrent(): Promise<Replacement | undefined> {
    this.#replacing ??= this.#replace().finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #replace(): Promise<Replacement | undefined> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      let next: SubscriberConnection | undefined;
      try {
        next = await this.#open(failures);
        return await this.#mutex.runExclusive(this.#switchTo.bind(this, next));
      } catch (error) {
        await next?.end();
        if (this.#isClosing) return undefined;
        this.#reporter.failed(error);
        failures += 1;
        const delay = this.#options.retryStrategy?.(failures);
        const time = typeof delay === 'number' ? delay : Math.min(2_000, 50 * 2 ** failures);
        this.#pause = new CloseSignal();
        // A loss of the connection ends the wait, as does a new token: the attempt may have failed for lack of one.
        await pause(time, this.#pause).catch(() => {
          failures = 0;
        });
      }
    }
    return undefined;
  }

  async #switchTo(next: SubscriberConnection): Promise<Replacement> {
    if (this.#isClosing) throw closedError();
    const old = this.#connection;
    let delivery: Delivery = 'exactly-once';
    if (old?.isLive) delivery = await this.#handOver(old, next);
    else {
      await this.#subscribeAll(next);
      if (!next.isLive) throw new ConnectionLost();
      if (old) delivery = deliveryAcrossGap(old, next);
    }
    const isWhole = delivery === 'exactly-once' || delivery === 'at-least-once';
    const gap = isWhole || !old ? 0 : Math.round(performance.now() - old.workedUntil);
    if (old?.isLive === false) this.#reporter.restored('subscriber', next.endpoint, gap);
    this.#connection = next;
    this.#ending = Promise.all([this.#ending, old?.end()]).then(() => undefined);
    return { gap, delivery };
  }

  /** Switches from `old` to `next`, while both are subscribed. */
  async #handOver(old: SubscriberConnection, next: SubscriberConnection): Promise<Delivery> {
    const deliver = this.#subscriptions.deliver.bind(this.#subscriptions);
    const publish = this.#route.publish.bind(this.#route);
    this.#handover = new Handover(old, deliver);
    try {
      await this.#subscribeAll(next);
      const delivery = await switchOver(this.#handover, old, next, publish, this.#closing.signal);
      this.#reporter.handovers += 1;
      return delivery;
    } finally {
      this.#handover = undefined;
    }
  }
}
