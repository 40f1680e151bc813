import type { Redis } from 'ioredis';
import { internals } from '../ioredis/client.js';
import { rejectQueued } from '../ioredis/command-queues.js';
import type { ManagedClient } from '../clients/managed-client.js';
import { settlesWithin } from '../timing/timeouts.js';
import { listenTo, SUBSCRIBE, UNSUBSCRIBE, type SubscriptionKind, type Message } from './channels.js';
import { connectionFailed, end } from './lifecycle.js';

/** The connection was lost before the server could answer: what was asked may be asked again of another one. */
export class ConnectionLost extends Error {}

/** What is done about a client that serves subscriptions. */
export interface ClientControl {
  /** It is needed no more. */
  end(): Promise<void>;
  /** An answer is awaited, and nothing comes: as far as messages go, the connection is lost. Called again until it is. */
  unresponsive(): void;
}

/** For how long nothing may come while an answer is awaited, in ms. */
const REPLY_TIMEOUT = 5_000;

/** The subscriptions of one connection to the server, from when it is ready until it closes. */
export class SubscriberConnection {
  /** Who gets the messages. */
  receive: (message: Message) => void = () => undefined;
  readonly client: Redis;
  readonly #connection: ManagedClient;
  readonly #upkeep: ClientControl;
  readonly #names: Readonly<Record<SubscriptionKind, Set<string>>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
    ssubscribe: new Set(),
  };
  #lostAt: number | undefined;
  #heardAt = performance.now();
  #isOverdue = false;
  /** Resolves when the connection is closed. */
  readonly lost: Promise<void>;
  readonly #stopListening: () => void;

  /** @param client A client that is ready. */
  constructor(client: Redis, connection: ManagedClient, upkeep: ClientControl) {
    this.client = client;
    this.#connection = connection;
    this.#upkeep = upkeep;
    this.#stopListening = listenTo(client, (message) => {
      this.#heard();
      this.receive(message);
    });
    this.lost = new Promise((resolve) => {
      client.once('close', () => {
        this.#lostAt = this.#isOverdue ? this.#heardAt : performance.now();
        this.#stopListening();
        withdrawSubscriptions(client);
        resolve();
      });
    });
  }

  get endpoint(): string {
    return this.#connection.endpoint;
  }

  get isLive(): boolean {
    return this.#lostAt === undefined;
  }

  /**
   * Until when it has surely received what was published: when it was closed; or, if it was silent before that or is not
   * closed, when something last came. By the clock of `performance.now()`.
   */
  get workedUntil(): number {
    return this.#lostAt ?? this.#heardAt;
  }

  /** Whether the server has confirmed that this channel or pattern is subscribed. */
  has(kind: SubscriptionKind, name: string): boolean {
    return this.#names[kind].has(name);
  }

  /** @throws ConnectionLost, or what the server says against it; then none of them is subscribed. */
  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    await this.#send(() => SUBSCRIBE[kind](this.client, names));
    for (const name of names) this.#names[kind].add(name);
  }

  /** @throws ConnectionLost, or what the server says against it. */
  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    for (const name of names) this.#names[kind].delete(name);
    await this.#send(() => UNSUBSCRIBE[kind](this.client, names));
  }

  /** Resolves when everything that was published before the call has been received. */
  async drain(): Promise<void> {
    await this.#send(() => this.client.ping());
  }

  /** Lets it go: nothing is received from it any more. */
  async end(): Promise<void> {
    this.#stopListening();
    await this.#upkeep.end();
  }

  async #send(send: () => Promise<unknown>): Promise<void> {
    const answered = this.#answer(send);
    while (!(await settlesWithin(REPLY_TIMEOUT, answered))) {
      // Where messages come, an answer will, after those that are before it.
      if (performance.now() - this.#heardAt <= REPLY_TIMEOUT) continue;
      this.#isOverdue = true;
      this.#upkeep.unresponsive();
    }
    this.#heard();
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.#isOverdue = false;
  }

  async #answer(send: () => Promise<unknown>): Promise<void> {
    try {
      // On a connection that carries commands too, a subscription within a transaction would become part of it.
      await this.#connection.outsideTransaction(async () => {
        await this.#writable();
        await send();
      });
    } catch (error) {
      throw this.isLive ? error : new ConnectionLost();
    }
  }

  /** ioredis would keep what cannot be written for the next connection, which may be one that must not subscribe. */
  async #writable(): Promise<void> {
    if (internals(this.client).stream?.writable) return;
    await this.lost;
    throw new ConnectionLost();
  }
}

/**
 * Connects a client for the sake of its subscriptions.
 *
 * @param signal Says that it is needed no more.
 * @throws AzureRedisError; the client has ended then.
 */
export async function connectSubscriber(
  client: Redis,
  connection: ManagedClient,
  signal: AbortSignal,
): Promise<SubscriberConnection> {
  const { connectTimeout = 0 } = client.options;
  // For the token, the socket, and the login.
  const timeout = 3 * (connectTimeout > 0 ? connectTimeout : DEFAULT_CONNECT_TIMEOUT);
  let lastError: unknown;
  client.on('error', (error) => {
    lastError = error;
  });
  const abandon = (): void => {
    client.disconnect();
  };
  signal.addEventListener('abort', abandon, { once: true });
  try {
    signal.throwIfAborted();
    if (!(await settlesWithin(timeout, client.connect()))) throw new Error('connect ETIMEDOUT');
    signal.throwIfAborted();
  } catch (error) {
    await end(client);
    throw connectionFailed(lastError ?? error);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
  return new SubscriberConnection(client, connection, {
    end: () => end(client),
    unresponsive: () => {
      client.disconnect();
    },
  });
}

/** ioredis' own default, in ms. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

const SUBSCRIPTION = /^[ps]?(un)?subscribe$/i;

/**
 * Takes subscriptions out of what ioredis sends again on its next connection. That one may speak RESP2, where the first
 * subscription would put an end to all other commands.
 */
function withdrawSubscriptions(client: Redis): void {
  const { prevCommandQueue, offlineQueue } = internals(client);
  for (const queue of [prevCommandQueue, offlineQueue]) {
    rejectQueued(queue, ({ name }) => SUBSCRIPTION.test(name));
  }
}
