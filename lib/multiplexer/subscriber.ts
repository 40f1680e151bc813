import { EventEmitter, once } from 'node:events';
import type { Redis, RedisOptions } from 'ioredis';
import type { Delivery, Replacement } from '../connection/events.js';
import { Mutex, settlesWithin } from '../timing/timeouts.js';
import type { Message, SubscriptionKind } from './channels.js';
import { deliveryAcrossGap, hasReceivedAll, isSameNode } from './delivery.js';
import { closedError } from './errors.js';
import { Handover } from './handover.js';
import { openSubscriberConnection, type SubscriberConnectionParts } from './open-subscriber.js';
import { resubscribe } from './resubscribe.js';
import { ConnectionLost, type SubscriberConnection } from './subscriber-connection.js';
import type { Subscriptions } from './subscriptions.js';

/** The dependencies of a subscriber. */
export interface SubscriberParts extends SubscriberConnectionParts {
  readonly subscriptions: Subscriptions;
  /** The retry strategy of the client, for the intervals between attempts. */
  readonly retryStrategy: RedisOptions['retryStrategy'];
}

interface SubscriberEvents {
  /** The connection was lost, and is being replaced. */
  lost: [connection: SubscriberConnection];
  /** This connection has replaced one that was lost `gap` ms ago. */
  restored: [connection: SubscriberConnection, gap: number];
  /** An operation failed; it is retried where possible. */
  failed: [error: unknown];
}

/** How long the connections may take to pass the marker before the switch goes on without it, in ms. */
const MARKER_TIMEOUT = 5_000;

/** How long connections to two nodes both receive, in ms: far longer than nodes take to forward a message. */
const OVERLAP = 1_000;

/**
 * Keeps one connection subscribed to the channels in use. A lost connection is replaced; one that has to be replaced stays
 * in use until its successor has all of its subscriptions.
 *
 * The path of a message: a connection receives it, `#receive` passes it to the handover in progress, if any, and the
 * handover's output is delivered to the subscriptions.
 */
export class Subscriber extends EventEmitter<SubscriberEvents> {
  readonly #parts: SubscriberParts;
  readonly #closing = new AbortController();
  readonly #closed: Promise<unknown> = once(this.#closing.signal, 'abort');
  /** The subscribed channels do not change while one connection replaces another. */
  readonly #mutex = new Mutex();
  #connection: SubscriberConnection | undefined;
  #handover: Handover<SubscriberConnection> | undefined;
  #replacing: Promise<Replacement | undefined> | undefined;
  /** Whether `lost` was emitted, and `restored` not yet. */
  #isLost = false;
  #handovers = 0;
  /** Resolves when all predecessors have ended. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(parts: SubscriberParts) {
    super();
    this.#parts = parts;
  }

  /** Opens the first connection. @throws AzureRedisError */
  async connect(): Promise<void> {
    this.#use(await this.#open());
  }

  /** How often a connection took over from another one that was still subscribed. */
  get handovers(): number {
    return this.#handovers;
  }

  /** The connection in use. */
  get connection(): SubscriberConnection {
    if (!this.#connection) throw new Error('The subscriber is not connected.');
    return this.#connection;
  }

  /**
   * Subscribes to those of these channels or patterns that are in use, and unsubscribes from the others.
   *
   * @throws AzureRedisError `CLOSED`; otherwise the server's error.
   */
  async sync(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    for (;;) {
      await this.waitUntilLive();
      try {
        await this.#mutex.runExclusive(() => this.#sync(kind, names));
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
  }

  /**
   * Replaces this client's connection, or joins its replacement in progress. Attempts continue until one succeeds; resolves
   * to `undefined` only if the client no longer carries subscriptions, or the subscriber is closed before.
   */
  async replace(client: Redis): Promise<Replacement | undefined> {
    // A successor may be outdated before it is in use: the replacement of its predecessor is not its own.
    while (this.#replacing && this.connection.client !== client) await this.#replacing;
    return this.connection.client === client ? this.#replaceCurrent() : undefined;
  }

  /** Hands the subscriptions over to the interactive connection, which has negotiated RESP3, if it can carry them. */
  async share(): Promise<void> {
    await this.#replacing;
    const { shared } = this.#parts.topology;
    if (shared && this.connection.client !== shared) await this.#replaceCurrent();
  }

  /** Resolves when the connection in use is open, with its subscriptions. @throws AzureRedisError `CLOSED` */
  async waitUntilLive(): Promise<void> {
    while (!this.connection.isLive && !this.#isClosing()) await this.#replaceCurrent();
    if (this.#isClosing()) throw closedError();
  }

  /** Resolves when all of its connections are closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.end();
    await this.#replacing;
    // A replacement may have succeeded in the meantime.
    await this.#connection?.end();
    await this.#ending;
  }

  readonly #receive = (connection: SubscriberConnection, message: Message): void => {
    if (this.#handover) this.#handover.receive(connection, message);
    else this.#deliver(message);
  };

  readonly #deliver = (message: Message): void => {
    this.#parts.subscriptions.deliver(message);
  };

  #open(): Promise<SubscriberConnection> {
    const replace = (client: Redis): Promise<Replacement | undefined> => this.replace(client);
    return openSubscriberConnection(this.#parts, this.#receive, replace, this.#closing.signal);
  }

  #use(connection: SubscriberConnection): void {
    this.#connection = connection;
    void connection.lost.then(() => this.#lost(connection));
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #lost(connection: SubscriberConnection): Promise<void> {
    if (this.#isClosing() || connection !== this.#connection) return;
    this.#isLost = true;
    this.emit('lost', connection);
    await this.#replacing;
    if (connection === this.#connection) await this.#replaceCurrent();
  }

  async #sync(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const { connection } = this;
    const isWanted = (name: string): boolean => this.#parts.subscriptions.has(kind, name);
    const isActive = (name: string): boolean => connection.has(kind, name);
    await Promise.all([
      connection.subscribe(
        kind,
        names.filter((name) => isWanted(name) && !isActive(name)),
      ),
      connection.unsubscribe(
        kind,
        names.filter((name) => !isWanted(name) && isActive(name)),
      ),
    ]);
  }

  #replaceCurrent(): Promise<Replacement | undefined> {
    this.#replacing ??= this.#replace().finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #replace(): Promise<Replacement | undefined> {
    let failures = 0;
    while (!this.#isClosing()) {
      let next: SubscriberConnection | undefined;
      try {
        next = await this.#open();
        return await this.#mutex.runExclusive(this.#switchTo.bind(this, next));
      } catch (error) {
        await next?.end();
        if (this.#isClosing()) return undefined;
        this.emit('failed', error);
        failures = (await this.#pause(failures + 1)) ? failures + 1 : 0;
      }
    }
    return undefined;
  }

  /**
   * Waits before the next attempt.
   *
   * @returns Whether it waited until the end. A loss of the connection ends the pause, as does a new token: the attempt may
   *   have failed for lack of one.
   */
  async #pause(failures: number): Promise<boolean> {
    const { isLive, lost } = this.connection;
    const pauseOver = new AbortController();
    const { signal } = pauseOver;
    const tokenRefreshed = once(this.#parts.authenticator, 'tokenRefreshed', { signal }).catch(
      () => undefined,
    );
    const interruptions = [this.#closed, tokenRefreshed, ...(isLive ? [lost] : [])];
    const isInterrupted = await settlesWithin(this.#retryDelay(failures), Promise.race(interruptions));
    pauseOver.abort();
    return !isInterrupted;
  }

  #retryDelay(failures: number): number {
    const delay = this.#parts.retryStrategy?.(failures);
    return typeof delay === 'number' ? delay : Math.min(2_000, 50 * 2 ** failures);
  }

  async #switchTo(next: SubscriberConnection): Promise<Replacement> {
    if (this.#isClosing()) throw closedError();
    const old = this.connection;
    let delivery: Delivery;
    if (old.isLive) delivery = await this.#handOver(old, next);
    else {
      await this.#resubscribe(next);
      delivery = deliveryAcrossGap(old, next);
    }
    this.#use(next);
    this.#ending = Promise.all([this.#ending, old.end()]);

    const isWhole = delivery === 'exactly-once' || delivery === 'at-least-once';
    const gap = isWhole ? 0 : Math.round(performance.now() - old.workedUntil);
    if (this.#isLost) this.emit('restored', next, gap);
    this.#isLost = false;
    return { gap, delivery };
  }

  /** Switches from `old` to `next`. */
  async #handOver(old: SubscriberConnection, next: SubscriberConnection): Promise<Delivery> {
    const handover = new Handover(old, this.#deliver);
    this.#handover = handover;
    try {
      await this.#resubscribe(next);
      if (isSameNode(old, next)) await this.#passMarker(old, next, handover);
      else await settlesWithin(OVERLAP, this.#closed);
      if (this.#isClosing()) throw closedError();
      const hasAll = handover.isComplete || (await hasReceivedAll(old));
      if (!next.isLive) throw new ConnectionLost();
      handover.takeOver();
      old.stopListening();
      this.#handovers += 1;
      this.#forgetMarker(handover, next);
      if (handover.isComplete) return 'exactly-once';
      return hasAll ? 'at-least-once' : deliveryAcrossGap(old, next);
    } catch (error) {
      handover.abandon();
      next.stopListening();
      this.#forgetMarker(handover, old);
      throw error;
    } finally {
      this.#handover = undefined;
    }
  }

  /** Publishes the marker, and waits until both connections have passed it. Without it, the connections overlap. */
  async #passMarker(
    old: SubscriberConnection,
    next: SubscriberConnection,
    { marker, completed }: Handover<SubscriberConnection>,
  ): Promise<void> {
    const passing = async (): Promise<void> => {
      await Promise.all([old.subscribe('subscribe', [marker]), next.subscribe('subscribe', [marker])]);
      await this.#parts.topology.publish(marker, '');
      await completed;
    };
    const lost = Promise.race([old.lost, next.lost]).then(() => {
      throw new ConnectionLost();
    });
    // The role may not permit the marker, and either connection may be lost: the caller then overlaps them.
    await settlesWithin(MARKER_TIMEOUT, Promise.race([passing(), lost])).catch(() => undefined);
  }

  #forgetMarker({ marker }: Handover<SubscriberConnection>, connection: SubscriberConnection): void {
    if (!connection.has('subscribe', marker)) return;
    // If this fails, the channel stays subscribed, and no application sees it.
    connection.unsubscribe('subscribe', [marker]).catch(() => undefined);
  }

  async #resubscribe(connection: SubscriberConnection): Promise<void> {
    await resubscribe(connection, this.#parts.subscriptions, (error) => {
      this.emit('failed', error);
    });
  }
}
