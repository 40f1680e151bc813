import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Delivery, Replacement } from '../clients/replacement.js';
import { settlesWithin } from '../timing/timeouts.js';
import { SUBSCRIPTION_KINDS, PRIVATE_PREFIX, type SubscriptionKind, type Message } from './channels.js';
import { closedError } from './closed-error.js';
import { Handover } from './handover.js';
import { ConnectionLost, type SubscriberConnection } from './subscriber-connection.js';
import type { Subscriptions } from './subscriptions.js';
import { Mutex } from '../timing/mutex.js';

/** What a subscriber needs of those around it. */
export interface SubscriberHost {
  /** Opens a connection that may be subscribed; `signal` says that it is needed no more. */
  open(signal: AbortSignal): Promise<SubscriberConnection>;
  publish(channel: string, message: string): Promise<unknown>;
  /** How long to wait after this many failures in a row to open a connection, in ms. */
  retryDelay(failures: number): number;
  /** Resolves when there is a new token; rejects when `signal` says that nobody waits for it any more. */
  tokenRefreshed(signal: AbortSignal): Promise<void>;
  /** The connection is lost; another one is on its way. */
  lost(connection: SubscriberConnection): void;
  /** This connection has taken the place of one that was lost `gap` ms ago. */
  restored(connection: SubscriberConnection, gap: number): void;
  /** Something failed; what can be tried again is tried again. */
  failed(error: unknown): void;
}

/** How long the connections may take to pass the mark before the switch goes on without, in ms. */
const MARKER_TIMEOUT = 5_000;

/** For how long the connections to two nodes both receive, in ms: far longer than nodes take to tell each other. */
const OVERLAP = 1_000;

/**
 * Keeps one connection subscribed to what is wanted, whatever becomes of it: one that is lost is made again, and one
 * that is to be replaced is so only when its successor has everything that it has.
 */
export class Subscriber {
  readonly #host: SubscriberHost;
  readonly #subscriptions: Subscriptions;
  readonly #closing: AbortController;
  readonly #closed: Promise<void>;
  #connection: SubscriberConnection;
  /** What is subscribed does not change while one connection takes the place of another. */
  readonly #turns = new Mutex();
  #replacing: Promise<Replacement | undefined> | undefined;
  /** Whether it was told that the connection is lost, and not yet that it is restored. */
  #isLost = false;
  /** Resolves when all predecessors have ended. */
  #departed: Promise<unknown> = Promise.resolve();

  private constructor(
    host: SubscriberHost,
    subscriptions: Subscriptions,
    first: SubscriberConnection,
    closing: AbortController,
  ) {
    this.#host = host;
    this.#subscriptions = subscriptions;
    this.#closing = closing;
    this.#closed = new Promise((resolve) => {
      closing.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    this.#connection = first;
    this.#use(first);
  }

  /** Opens the first connection; rejects if that cannot be done. */
  static async start(host: SubscriberHost, subscriptions: Subscriptions): Promise<Subscriber> {
    const closing = new AbortController();
    return new Subscriber(host, subscriptions, await host.open(closing.signal), closing);
  }

  get connection(): SubscriberConnection {
    return this.#connection;
  }

  /**
   * Subscribes to those of these channels or patterns that are wanted, and unsubscribes from the others.
   *
   * @throws AzureRedisError `CLOSED`; else what the server says against it.
   */
  async sync(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    for (;;) {
      await this.#live();
      try {
        await this.#turns.runExclusive(() => this.#sync(kind, names));
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
  }

  /**
   * Puts a new connection in the place of this client's; joins a replacement of it that is under way. It is tried until
   * it succeeds, and resolves to nothing only if the client serves no subscriptions any more, or the subscriber is closed
   * before.
   */
  async replace(client: Redis): Promise<Replacement | undefined> {
    // A successor may be outdated before it is in place: its predecessor's replacement is not its own.
    while (this.#replacing && this.#connection.client !== client) await this.#replacing;
    return this.#connection.client === client ? this.#replacePresent() : undefined;
  }

  /** Resolves when none of its connections is open any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection.end();
    await this.#replacing;
    // A replacement may have succeeded in the meantime.
    await this.#connection.end();
    await this.#departed;
  }

  #use(connection: SubscriberConnection): void {
    this.#connection = connection;
    connection.receive = this.#deliver;
    void connection.lost.then(() => this.#lost(connection));
  }

  readonly #deliver = (message: Message): void => {
    this.#subscriptions.deliver(message);
  };

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #lost(connection: SubscriberConnection): Promise<void> {
    if (this.#isClosing() || connection !== this.#connection) return;
    this.#isLost = true;
    this.#host.lost(connection);
    await this.#replacing;
    if (connection === this.#connection) await this.#replacePresent();
  }

  async #live(): Promise<void> {
    while (!this.#connection.isLive && !this.#isClosing()) await this.#replacePresent();
    if (this.#isClosing()) throw closedError();
  }

  async #sync(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const connection = this.#connection;
    const isWanted = (name: string): boolean => this.#subscriptions.has(kind, name);
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

  #replacePresent(): Promise<Replacement | undefined> {
    this.#replacing ??= this.#replace().finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #replace(): Promise<Replacement | undefined> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!this.#isClosing()) {
      let next: SubscriberConnection | undefined;
      try {
        next = await this.#host.open(signal);
        return await this.#turns.runExclusive(this.#switchTo.bind(this, next));
      } catch (error) {
        await next?.end();
        if (this.#isClosing()) return undefined;
        this.#host.failed(error);
        failures = (await this.#pause(failures + 1)) ? failures + 1 : 0;
      }
    }
    return undefined;
  }

  /**
   * Waits before the next attempt; whether until the end. If the connection is lost now, or there is a new token, for
   * want of which the attempt may have failed, there is no time to lose.
   */
  async #pause(failures: number): Promise<boolean> {
    const { isLive, lost } = this.#connection;
    const over = new AbortController();
    const interruptions = [this.#closed, this.#host.tokenRefreshed(over.signal), ...(isLive ? [lost] : [])];
    const isInterrupted = await settlesWithin(this.#host.retryDelay(failures), Promise.race(interruptions));
    over.abort();
    return !isInterrupted;
  }

  async #switchTo(next: SubscriberConnection): Promise<Replacement> {
    if (this.#isClosing()) throw closedError();
    const old = this.#connection;
    const delivery = old.isLive ? await this.#handOver(old, next) : await this.#takeUp(old, next);
    this.#use(next);
    this.#departed = Promise.all([this.#departed, old.end()]);

    const isWhole = delivery === 'exactly-once' || delivery === 'at-least-once';
    const gap = isWhole ? 0 : Math.round(performance.now() - old.workedUntil);
    if (this.#isLost) this.#host.restored(next, gap);
    this.#isLost = false;
    return { gap, delivery };
  }

  /** Subscribes a connection whose predecessor is lost. */
  async #takeUp(old: SubscriberConnection, next: SubscriberConnection): Promise<Delivery> {
    next.receive = this.#deliver;
    await this.#subscribeToWanted(next);
    return deliveryAcrossGap(old, next);
  }

  /** Lets `next` take over from `old`, and tells how messages were delivered across that. */
  async #handOver(old: SubscriberConnection, next: SubscriberConnection): Promise<Delivery> {
    const handover = new Handover<Message>(this.#deliver);
    const mark = `${PRIVATE_PREFIX}handover:${randomUUID()}`;
    old.receive = (message) => {
      if (message.name === mark) handover.oldPassedMark();
      else handover.fromOld(message);
    };
    next.receive = (message) => {
      if (message.name === mark) handover.newPassedMark();
      else handover.fromNew(message);
    };
    let hasAll: boolean;
    try {
      await this.#subscribeToWanted(next);
      if (isSameNode(old, next)) await this.#pass(mark, old, next, handover);
      else await settlesWithin(OVERLAP, this.#closed);
      if (this.#isClosing()) throw closedError();
      hasAll = handover.isComplete || (await hasReceivedAll(old));
      if (!next.isLive) throw new ConnectionLost();
      handover.takeOver();
    } catch (error) {
      handover.abandon();
      old.receive = this.#deliver;
      this.#forget(mark, old);
      throw error;
    }
    this.#forget(mark, next);
    if (handover.isComplete) return 'exactly-once';
    return hasAll ? 'at-least-once' : deliveryAcrossGap(old, next);
  }

  /** Publishes the mark, and waits until both connections have passed it, unless something stands in the way. */
  async #pass(
    mark: string,
    old: SubscriberConnection,
    next: SubscriberConnection,
    handover: Handover<Message>,
  ): Promise<void> {
    const passing = async (): Promise<void> => {
      await Promise.all([old.subscribe('subscribe', [mark]), next.subscribe('subscribe', [mark])]);
      await this.#host.publish(mark, '');
      await handover.completed;
    };
    const lost = Promise.race([old.lost, next.lost]).then(() => {
      throw new ConnectionLost();
    });
    // Whatever stands in the way, a permission or a connection, there is another way than the mark.
    await settlesWithin(MARKER_TIMEOUT, Promise.race([passing(), lost])).catch(() => undefined);
  }

  #forget(mark: string, connection: SubscriberConnection): void {
    if (!connection.has('subscribe', mark)) return;
    // If this fails, nobody but this package sees that the channel is still subscribed.
    connection.unsubscribe('subscribe', [mark]).catch(() => undefined);
  }

  async #subscribeToWanted(connection: SubscriberConnection): Promise<void> {
    await Promise.all(
      SUBSCRIPTION_KINDS.map((kind) =>
        this.#subscribeToAll(connection, kind, this.#subscriptions.wanted(kind)),
      ),
    );
  }

  /** The server refuses all channels if it refuses one of them, whose permission may have been taken away. */
  async #subscribeToAll(
    connection: SubscriberConnection,
    kind: SubscriptionKind,
    names: readonly string[],
  ): Promise<void> {
    try {
      await connection.subscribe(kind, names);
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      for (const name of names) {
        await connection.subscribe(kind, [name]).catch((refusal: unknown) => {
          if (refusal instanceof ConnectionLost) throw refusal;
          this.#host.failed(refusal);
        });
      }
    }
  }
}

/** Whether a connection has received what was published so far: it may be on its way, or lost with the connection. */
function hasReceivedAll(connection: SubscriberConnection): Promise<boolean> {
  return connection.drain().then(
    () => true,
    () => false,
  );
}

function isSameNode(old: SubscriberConnection, next: SubscriberConnection): boolean {
  return old.endpoint === next.endpoint;
}

/** Another node may be behind, and so give again what had come shortly before. */
function deliveryAcrossGap(old: SubscriberConnection, next: SubscriberConnection): Delivery {
  return isSameNode(old, next) ? 'at-most-once' : 'best-effort';
}
