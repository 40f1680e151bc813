import type { Redis } from 'ioredis';
import type { ManagedClient } from '../connection/managed-client.js';
import { isWritable, rejectQueuedSubscriptions } from '../ioredis/client-control.js';
import { settlesWithin } from '../timing/timeouts.js';
import { listenTo, SUBSCRIBE, UNSUBSCRIBE, type Message, type SubscriptionKind } from './channels.js';

/** The connection was lost before the server could answer: the request may be repeated on another one. */
export class ConnectionLost extends Error {}

/** Called with each message that a connection receives. */
export type ReceiveMessage = (connection: SubscriberConnection, message: Message) => void;

/** How a subscriber controls the client that carries its subscriptions. */
export interface ClientControl {
  /** Ends the client. */
  end(): Promise<void>;
  /** A reply is due, and nothing arrives: the connection is regarded as lost. Called repeatedly until it closes. */
  unresponsive(): void;
}

/** How long nothing may arrive while a reply is due, in ms. */
const REPLY_TIMEOUT = 5_000;

/** The subscriptions of one connection to the server, from when it is ready until it closes. */
export class SubscriberConnection {
  readonly client: Redis;
  readonly #managed: ManagedClient;
  readonly #control: ClientControl;
  readonly #names: Readonly<Record<SubscriptionKind, Set<string>>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
    ssubscribe: new Set(),
  };
  #lostAt: number | undefined;
  #heardAt = performance.now();
  #isUnresponsive = false;
  /** Resolves when the connection is closed. */
  readonly lost: Promise<void>;
  /** Stops receiving messages. */
  readonly stopListening: () => void;

  /** @param client A client that is ready. */
  constructor(client: Redis, managed: ManagedClient, control: ClientControl, receive: ReceiveMessage) {
    this.client = client;
    this.#managed = managed;
    this.#control = control;
    this.stopListening = listenTo(client, (message) => {
      this.#heard();
      receive(this, message);
    });
    this.lost = new Promise((resolve) => {
      client.once('close', () => {
        const closedAt = managed.silentSince ?? performance.now();
        this.#lostAt = this.#isUnresponsive ? this.#heardAt : closedAt;
        this.stopListening();
        rejectQueuedSubscriptions(client);
        resolve();
      });
    });
  }

  get endpoint(): string {
    return this.#managed.endpoint;
  }

  get isLive(): boolean {
    return this.#lostAt === undefined;
  }

  /**
   * Until when it certainly received all published messages (`performance.now()`): until it closed or, if it was silent
   * before that or is still open, until data last arrived.
   */
  get workedUntil(): number {
    return this.#lostAt ?? this.#heardAt;
  }

  /** Whether the server has confirmed that this channel or pattern is subscribed. */
  has(kind: SubscriptionKind, name: string): boolean {
    return this.#names[kind].has(name);
  }

  /** @throws ConnectionLost, or the server's error; then none of them is subscribed. */
  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#send(() => SUBSCRIBE[kind](this.client, names));
    for (const name of names) this.#names[kind].add(name);
  }

  /** @throws ConnectionLost, or the server's error. */
  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    for (const name of names) this.#names[kind].delete(name);
    await this.#send(() => UNSUBSCRIBE[kind](this.client, names));
  }

  /** Resolves when everything that was published before the call has been received. */
  async drain(): Promise<void> {
    await this.#send(() => this.client.ping());
  }

  /** Stops receiving messages, and ends the client. */
  async end(): Promise<void> {
    this.stopListening();
    await this.#control.end();
  }

  async #send(send: () => Promise<unknown>): Promise<void> {
    const answered = this.#answer(send);
    while (!(await settlesWithin(REPLY_TIMEOUT, answered))) {
      // While messages arrive, the reply follows those that precede it.
      if (performance.now() - this.#heardAt <= REPLY_TIMEOUT) continue;
      this.#isUnresponsive = true;
      this.#control.unresponsive();
    }
    this.#heard();
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#isUnresponsive = false;
  }

  async #answer(send: () => Promise<unknown>): Promise<void> {
    try {
      // On a connection that carries commands too, a subscription within a transaction would become part of it.
      await this.#managed.outsideTransaction(async () => {
        await this.#writable();
        await send();
      });
    } catch (error) {
      throw this.isLive ? error : new ConnectionLost();
    }
  }

  /** ioredis would keep a command that cannot be written for the next connection, which may be one that must not subscribe. */
  async #writable(): Promise<void> {
    if (isWritable(this.client)) return;
    await this.lost;
    throw new ConnectionLost();
  }
}
