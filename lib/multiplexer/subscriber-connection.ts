import type { Redis } from 'ioredis';
import type { ManagedClient } from '../connection/managed-client.js';
import { AzureRedisError } from '../errors.js';
import { connectTimeoutOf, type SubscriptionKind } from '../ioredis/client.js';
import { subscribe, subscriptionRefused, type Refusal } from '../ioredis/resubscribe.js';
import { messageOf } from '../redaction.js';
import { settlesWithin } from '../timing/close-signal.js';
import { raceSignal, withTimeout } from '../timing/timeouts.js';
import type { Message } from './channels.js';
import { connect, connectionFailed, end } from './client-lifecycle.js';

/** The connection was lost before the server could answer: the request may be repeated on another one. */
export class ConnectionLost extends Error {
  override readonly message = 'it was lost';
}

/** The methods of ioredis that end a subscription. */
const UNSUBSCRIBE = {
  subscribe: 'unsubscribe',
  psubscribe: 'punsubscribe',
  ssubscribe: 'sunsubscribe',
} as const;

/** How long PING may take to be answered after everything that was published before, in ms. */
const PING_TIMEOUT = 5_000;

/** How ioredis 5 reports that the server has unsubscribed a shard channel by itself; 6 emits `moved`. */
const UNEXPECTED_REPLY = 'Command queue state error';

/** What a connection reports. */
interface Listeners {
  message(connection: SubscriberConnection, message: Message): void;
  closed(connection: SubscriberConnection): void;
  /** The slot of a shard channel has moved, and the server has unsubscribed it. */
  moved(connection: SubscriberConnection): void;
}

/** The subscriptions of one connection to the server, from when it is ready until it closes. */
export class SubscriberConnection {
  readonly client: Redis;
  readonly managed: ManagedClient;
  readonly #listeners: Listeners;
  readonly #subscribed: Readonly<Record<SubscriptionKind, Set<string>>> = {
    subscribe: new Set(),
    psubscribe: new Set(),
    ssubscribe: new Set(),
  };
  #lostAt: number | undefined;
  #heardAt = performance.now();
  #isListening = true;
  /** Ends the wait for the replies to SSUBSCRIBE. */
  #slotMoved = (): void => undefined;

  private constructor(client: Redis, managed: ManagedClient, listeners: Listeners) {
    this.client = client;
    this.managed = managed;
    this.#listeners = listeners;
    // ioredis puts its `keyPrefix` before shard channels, but not before others.
    const prefixLength = Buffer.byteLength(client.options.keyPrefix ?? '');
    client.on('messageBuffer', (channel, payload) => {
      this.#received('subscribe', channel, payload);
    });
    client.on('pmessageBuffer', (pattern, channel, payload) => {
      this.#received('psubscribe', channel, payload, pattern);
    });
    client.on('smessageBuffer', (channel: Buffer, payload: Buffer) => {
      this.#received('ssubscribe', channel.subarray(prefixLength), payload);
    });
    client.on('moved', () => {
      this.#moved();
    });
    client.on('error', ({ message }) => {
      if (message.startsWith(UNEXPECTED_REPLY)) this.#moved();
    });
    client.once('close', () => {
      this.#lostAt = managed.unresponsiveSince ?? performance.now();
      this.#isListening = false;
      listeners.closed(this);
    });
  }

  /**
   * Connects a client. It never reconnects by itself.
   *
   * @param signal Aborts the attempt.
   * @throws AzureRedisError; nothing is left open.
   */
  static async open(
    client: Redis,
    managed: ManagedClient,
    listeners: Listeners,
    signal: AbortSignal,
  ): Promise<SubscriberConnection> {
    // One for the token, one for the socket, one for the login.
    const timeout = 3 * connectTimeoutOf(client.options);
    try {
      await raceSignal(
        withTimeout(() => connect(client), timeout),
        signal,
      );
      signal.throwIfAborted();
    } catch (error) {
      await end(client);
      throw connectionFailed(error);
    }
    return new SubscriberConnection(client, managed, listeners);
  }

  get endpoint(): string {
    return this.managed.endpoint;
  }

  get isLive(): boolean {
    return this.#lostAt === undefined;
  }

  /**
   * Until when it certainly received all published messages (`performance.now()`): until it closed, became unresponsive or,
   * if it is still open, until data last arrived.
   */
  get workedUntil(): number {
    return this.#lostAt ?? this.#heardAt;
  }

  /** Whether the server has confirmed that this channel or pattern is subscribed. */
  has(kind: SubscriptionKind, name: string): boolean {
    return this.#subscribed[kind].has(name);
  }

  /** Subscribes to those that the server permits. Resolves to the others. @throws ConnectionLost */
  async subscribe(kind: SubscriptionKind, names: readonly string[]): Promise<Refusal[]> {
    if (names.length === 0) return [];
    const replies = subscribe(this.client, kind, names, () => this.isLive);
    const refusals = await (kind === 'ssubscribe'
      ? Promise.race([replies, this.#refusedByMove(names)])
      : replies);
    if (!this.isLive) throw new ConnectionLost();
    this.#heardAt = performance.now();
    const refused = new Set(refusals.map(({ name }) => name));
    for (const name of names) if (!refused.has(name)) this.#subscribed[kind].add(name);
    return refusals;
  }

  /**
   * Unsubscribes from these channels or patterns, which are subscribed. One stays if it is the last that is sharded, or that is
   * not, and there are others: the server counts them apart, and at zero ioredis takes the connection for one that is not
   * subscribed at all. Its messages reach nobody.
   *
   * @throws ConnectionLost, or the server's error.
   */
  async unsubscribe(kind: SubscriptionKind, names: readonly string[]): Promise<void> {
    const { subscribe, psubscribe, ssubscribe } = this.#subscribed;
    const counts = [ssubscribe.size, subscribe.size + psubscribe.size];
    const [alike = 0, others = 0] = kind === 'ssubscribe' ? counts : counts.reverse();
    const left = alike === names.length && others > 0 ? names.slice(1) : names;
    if (left.length === 0) return;
    for (const name of left) this.#subscribed[kind].delete(name);
    // A cluster refuses shard channels of several slots in one command.
    const groups = kind === 'ssubscribe' ? left.map((name) => [name]) : [left];
    try {
      await Promise.all(groups.map((group) => this.client[UNSUBSCRIBE[kind]](...group)));
    } catch (error) {
      if (!this.isLive) throw new ConnectionLost();
      // The server has ended a subscription whose slot has moved.
      if (!isRedirection(error)) throw error;
    }
    this.#heardAt = performance.now();
  }

  /** Whether everything that was published before the call has been received; if not, some of it may be lost. */
  async hasReceivedAll(): Promise<boolean> {
    const answer = this.client.ping().then(
      () => true,
      // An error reply is an answer, too.
      () => this.isLive,
    );
    return (await settlesWithin(PING_TIMEOUT, answer)) && answer;
  }

  /** Stops receiving messages. */
  stopListening(): void {
    this.#isListening = false;
  }

  /** Stops receiving messages, and ends the client. */
  async end(): Promise<void> {
    this.stopListening();
    await end(this.client);
  }

  #received(kind: SubscriptionKind, channel: Buffer, payload: Buffer, pattern?: string): void {
    this.#heardAt = performance.now();
    // The server tells of keys that have changed (CLIENT TRACKING) in messages whose payload is an array, or nil.
    if (!this.#isListening || !Buffer.isBuffer(channel) || !Buffer.isBuffer(payload)) return;
    const name = channel.toString();
    this.#listeners.message(this, { kind, name: pattern ?? name, channel: name, payload });
  }

  /**
   * Resolves if the slot of a shard channel moves: ioredis 5 never settles a SSUBSCRIBE that is answered with MOVED. Any of
   * the channels may be the one, also one that was accepted before.
   */
  #refusedByMove(names: readonly string[]): Promise<Refusal[]> {
    return new Promise((resolve) => {
      this.#slotMoved = () => {
        resolve(
          names.map((name) => ({ kind: 'ssubscribe', name, error: new Error('MOVED to another node') })),
        );
      };
    });
  }

  #moved(): void {
    // Which of them, ioredis does not say.
    this.#subscribed.ssubscribe.clear();
    this.#slotMoved();
    this.#listeners.moved(this);
  }
}

/** Whether the node does not have the slot of a shard channel, or no slots any more. */
export function isRedirection(error: unknown): boolean {
  return (
    messageOf(error).startsWith('MOVED ') || (error instanceof AzureRedisError && error.code === 'CLOSED')
  );
}

/** The error of channels and patterns that were refused, at least one, with the code of the first. */
export function refusalOf(refusals: readonly Refusal[]): AzureRedisError {
  const error = refusals[0]?.error;
  return subscriptionRefused(refusals, error instanceof AzureRedisError ? error.code : undefined);
}
