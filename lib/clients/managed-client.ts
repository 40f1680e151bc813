import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { dateOf } from '../timing/deadline.js';
import { traceReauthentication } from '../diagnostics.js';
import { settlesWithin } from '../timing/timeouts.js';
import {
  endpointOf,
  internals,
  pendingReplies,
  type Client,
  type Command,
  type ReplyError,
} from '../ioredis/client.js';
import { rejectQueued } from '../ioredis/command-queues.js';
import { isWaitingForToken } from '../ioredis/connector.js';
import { asProtocolRefusal, explained, isHello, isNoAuth, isWrongPass } from './error-replies.js';
import { Heartbeat } from './heartbeat.js';
import { ClientHooks } from '../ioredis/hooks.js';
import { redactLogin, isLogin, rejectQueuedLogins } from '../ioredis/login-command.js';
import type { Credentials, CredentialsProvider } from '../credentials/credentials.js';
import { connectNow, reconnect } from '../ioredis/reconnect.js';
import { NoAuthRetry } from './no-auth-retry.js';
import { TransactionTracker } from './transaction-tracker.js';

/** Why a connection was replaced instead of re-authenticated. */
export type RecycleReason =
  /** It is subscribed over RESP2, where the server takes no AUTH. */
  | 'subscriber'
  /** It is in MONITOR mode, where ioredis sends no AUTH. */
  | 'monitor'
  /** The AUTH had no answer in time: the connection waits in a blocking command, or is dead. */
  | 'blocked'
  /** Azure has failed over to another node, or scaled: the connection would be dropped sooner or later. */
  | 'maintenance';

/**
 * How the messages of a connection's channels arrived across its replacement: each exactly once; at least once (some may
 * have come twice, none is lost); at most once (what was published during the gap did not arrive); or, by another node of
 * a cluster, with best effort: it may be behind, so that in addition some from shortly before the gap may have come twice.
 */
export type Delivery = 'exactly-once' | 'at-least-once' | 'at-most-once' | 'best-effort';

/** How a connection was replaced by another one. */
export interface Replacement {
  /** For how long there was none, in ms. */
  readonly gap: number;
  readonly delivery: Delivery;
}

/** Puts another client in the place of one. It never rejects, and resolves to nothing if there is no need any more. */
export type Replace = () => Promise<Replacement | undefined>;

/** What a connection tells of its life. */
export interface ManagedClientObserver {
  reauthenticated(connection: ManagedClient): void;
  reauthenticationFailed(connection: ManagedClient, error: Error): void;
  recycled(connection: ManagedClient, reason: RecycleReason, replacement: Replacement): void;
  ended(connection: ManagedClient): void;
}

/** AUTHs of many connections are spread over at most this time, in ms. */
const LONGEST_SPREAD = 60_000;

/** The share of an old login's remaining life over which its replacement is spread: it ends well before that login does. */
const SPREAD = 1 / 4;

/** How long before its login ends a connection whose AUTH has no answer is replaced, in ms, or half of what is left. */
const REPLACE_BEFORE_EXPIRY = 30_000;

/**
 * How long a reply may be awaited on a connection whose login seems to have ended, in ms: if the server has not closed
 * it, the clock was set forward.
 */
const EXPIRED_REPLY_GRACE = 2_000;

/** The longest time that Node's timers can count, in ms; an access key never ends. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** By how much the server's clock may be ahead when it closes a connection whose login has ended, in ms. */
const CLOCK_SKEW = 1_000;

/** The waits between the attempts of a failed AUTH, in ms. */
const RETRY: Backoff = { minTimeout: 100, maxTimeout: 60_000, factor: 2, randomize: true };

/** One adopted client: keeps its live connection logged in with the newest login. */
export class ManagedClient {
  readonly client: Client;
  readonly #logins: CredentialsProvider;
  readonly #observer: ManagedClientObserver;
  readonly #transaction = new TransactionTracker();
  readonly #heartbeat: Heartbeat;
  readonly #relogin: NoAuthRetry;
  /** What the live connection is logged in with; nothing if that is not known, or there is no connection. */
  #login: Credentials | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #failures = 0;
  /** How many connections this client has had: what awaited something of one of them must not touch the next. */
  #epoch = 0;
  /** The replacement under way: why, and since when (`performance.now()`) there is no connection. */
  #recycling: { readonly reason: RecycleReason; readonly since: number } | undefined;
  /** What replaces the client itself, if somebody does. */
  #replaceClient: Replace | undefined;
  readonly #instrumentation: ClientHooks;

  constructor(client: Client, logins: CredentialsProvider, observer: ManagedClientObserver) {
    this.client = client;
    this.#logins = logins;
    this.#observer = observer;
    this.#heartbeat = new Heartbeat(client, this.#transaction);
    this.#relogin = new NoAuthRetry(client, this.#transaction, async () => {
      await logins.waitUntilUsable(AbortSignal.timeout(REPLACE_BEFORE_EXPIRY));
      await this.#logIn();
    });
    this.#instrumentation = new ClientHooks(client, {
      sending: (command) => {
        this.#sending(command);
      },
      sent: (command) => {
        this.#sent(command);
      },
      refused: (command, reply, handOn) => {
        this.#refused(command, reply, handOn);
      },
      status: (status) => {
        this.#statusChanged(status);
      },
      endedSilently: () => {
        this.#ended();
      },
    });
  }

  get endpoint(): string {
    return endpointOf(this.client);
  }

  /** When the server drops the live connection, in ms since 1970. */
  get expiresOn(): number | undefined {
    return this.#login?.expiresOn;
  }

  /**
   * Logs in with the newest login at a random moment, which is early enough for the one that it replaces; or connects at
   * once, if the last attempt failed for want of a login.
   */
  scheduleReauthentication(): void {
    if (isWaitingForToken(this.client)) {
      connectNow(this.client);
      return;
    }
    const left = Math.max(0, this.#login?.remaining ?? 0);
    this.#renewIn(Math.random() * Math.min(LONGEST_SPREAD, left * SPREAD));
  }

  pingIfIdle(): void {
    this.#heartbeat.pingIfIdle();
  }

  /** From now on `replace` is called where this client would get a new connection: another client takes its place. */
  delegateReplacement(replace: Replace): void {
    this.#replaceClient = replace;
  }

  /**
   * Replaces the connection, if there is one, once no transaction is open and the replies that it awaits are here.
   */
  async replaceConnection(reason: RecycleReason): Promise<void> {
    await this.outsideTransaction(async () => {
      if (this.#isLive) await this.#recycle(reason);
    });
  }

  /** Calls `send` as soon as no transaction is open, so that what it sends at once is part of none. */
  async outsideTransaction<Result>(send: () => Promise<Result>): Promise<Result> {
    while (this.#transaction.isOpen) await this.#transaction.over();
    return send();
  }

  /** Lets the client go: it is left as ioredis made it. */
  release(): void {
    this.#disconnected();
    this.#recycling = undefined;
    this.#instrumentation.remove();
  }

  /** The client connects: takes note of what matters among its commands, error replies and events. */
  reapplyHooks(): void {
    this.#instrumentation.reapply();
  }

  #statusChanged(status: string): void {
    if (status === 'ready') this.#connected();
    else if (status === 'close') this.#disconnected();
    else if (status === 'end') {
      // ioredis forgets what it was to send again, if the client ends before its next connection is ready.
      rejectQueued(internals(this.client).prevCommandQueue);
      this.#ended();
    }
  }

  #ended(): void {
    this.release();
    this.#observer.ended(this);
  }

  #connected(): void {
    // A new login may have come while the client logged in with the old one.
    this.#renewIn(0);
    if (!this.#recycling) return;
    const { reason, since } = this.#recycling;
    this.#recycling = undefined;
    // Its channels are subscribed again once their replies are here. A blocking command, sent again, has none yet.
    const isRestored = reason === 'subscriber' ? pendingReplies(this.client) : Promise.resolve();
    void isRestored.then(() => {
      this.#observer.recycled(this, reason, {
        gap: Math.round(performance.now() - since),
        delivery: 'at-most-once',
      });
    });
  }

  #disconnected(): void {
    clearTimeout(this.#timer);
    if (this.#replaceClient && this.#loginHasEnded()) this.#replace('subscriber');
    this.#epoch += 1;
    this.#login = undefined;
    this.#failures = 0;
    this.#transaction.closed();
    rejectQueuedLogins(this.client);
  }

  /** Whether the server has closed the connection, if it is closed, because there was no newer login in time. */
  #loginHasEnded(): boolean {
    return this.#login !== undefined && this.#login.remaining < CLOCK_SKEW;
  }

  #sending(command: Command): void {
    if (command.name.toLowerCase() === 'multi') this.#transaction.opened(command);
    const before = this.#login;
    redactLogin(command, this.#logins, (login) => {
      this.#login = login;
      command.promise.catch(() => {
        if (this.#login === login) this.#login = before;
      });
    });
  }

  #sent(command: Command): void {
    const name = command.name.toLowerCase();
    if (name === 'exec' || name === 'discard' || name === 'reset') this.#transaction.closed();
  }

  #refused(command: Command, reply: ReplyError, handOn: (error: Error) => void): void {
    if (isHello(command) && isLogin(command) && isWrongPass(reply) && this.#inHandshake()) {
      handOn(asProtocolRefusal(reply));
      return;
    }
    if (isWrongPass(reply) && isLogin(command)) this.#logins.reportRejected();
    if (isNoAuth(reply) && this.#mayLogInAgain(command) && this.#relogin.retry(command)) return;
    handOn(explained(reply, this.#logins.username));
  }

  #inHandshake(): boolean {
    return internals(this.client).condition?.handshake === true;
  }

  #mayLogInAgain(command: Command): boolean {
    const userDecides = typeof this.client.options.reconnectOnError === 'function';
    return this.client.status === 'ready' && !userDecides && !isLogin(command);
  }

  #renewIn(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.#renew();
    }, delay);
    this.#timer.unref();
  }

  /** Whether there is a connection that can be used. */
  get #isLive(): boolean {
    const { status } = this.client;
    // What follows a QUIT would make the server reset the connection, and the answer to QUIT be lost.
    const isLeaving = internals(this.client).manuallyClosing;
    return (status === 'ready' || status === 'monitoring') && !isLeaving;
  }

  /** Whether the live connection is logged in with something older than what there is. */
  #isOutdated(): boolean {
    return this.#isLive && this.#login !== this.#logins.current && this.#logins.current.remaining > 0;
  }

  async #renew(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const epoch = this.#epoch;
    try {
      if (!(await this.#transactionEnds())) {
        this.#replace('blocked');
        return;
      }
      // Neither the next connection nor a client that was let go meanwhile is any business of this.
      if (epoch !== this.#epoch || !this.#isOutdated()) return;
      const { mode } = this.client;
      if (mode === 'subscriber' || mode === 'monitor') await this.#recycle(mode);
      else await this.#reauthenticate();
    } finally {
      this.#busy = false;
      // It may have kept the next connection, which has logged in meanwhile, from being renewed.
      if (epoch !== this.#epoch && this.#login) this.#renewIn(0);
    }
  }

  /**
   * Waits for the end of an open transaction. Beyond the end of its login it cannot go on: a connection that the server
   * has not closed by then is dead.
   */
  async #transactionEnds(): Promise<boolean> {
    if (!this.#transaction.isOpen) return true;
    const left = Math.max(0, this.#login?.remaining ?? REPLACE_BEFORE_EXPIRY);
    return settlesWithin(Math.min(LONGEST_TIMER, left + EXPIRED_REPLY_GRACE), this.#transaction.over());
  }

  async #reauthenticate(): Promise<void> {
    const epoch = this.#epoch;
    try {
      const isAnswered = await settlesWithin(this.#patience(), this.#logIn());
      if (epoch !== this.#epoch) return;
      if (!isAnswered) {
        this.#replace('blocked');
        return;
      }
      this.#failures = 0;
      this.#observer.reauthenticated(this);
      // An even newer login may have come in the meantime.
      this.#renewIn(0);
    } catch (error) {
      if (epoch === this.#epoch) this.#reauthenticationFailed(error);
    }
  }

  async #logIn(): Promise<void> {
    const { username, current } = this.#logins;
    const trace = { username, endpoint: this.endpoint, expiresOn: dateOf(current.expiresOn) };
    await traceReauthentication(trace, async () => {
      await this.client.auth(username, current.password);
    });
  }

  #reauthenticationFailed(error: unknown): void {
    // It has just subscribed, and is to be recycled.
    if (this.client.mode === 'subscriber') {
      this.#renewIn(0);
      return;
    }
    this.#failures += 1;
    this.#observer.reauthenticationFailed(this, error as Error);
    this.#renewIn(backoffDelay(this.#failures, RETRY));
  }

  /** Replaces a connection that takes no AUTH, after the replies that it still awaits. */
  async #recycle(reason: RecycleReason): Promise<void> {
    const epoch = this.#epoch;
    await settlesWithin(this.#patience(), pendingReplies(this.client));
    if (epoch === this.#epoch) this.#replace(reason);
  }

  #replace(reason: RecycleReason): void {
    if (this.#recycling) return;
    this.#recycling = { reason, since: performance.now() };
    if (this.#replaceClient) void this.#handOver(reason, this.#replaceClient);
    else reconnect(this.client);
  }

  async #handOver(reason: RecycleReason, replace: Replace): Promise<void> {
    const replacement = await replace();
    this.#recycling = undefined;
    if (replacement) this.#observer.recycled(this, reason, replacement);
  }

  /** How long a reply may be awaited before the connection is replaced without it, in ms. */
  #patience(): number {
    if (!this.#login) return REPLACE_BEFORE_EXPIRY;
    const left = this.#login.remaining;
    if (left <= 0) return EXPIRED_REPLY_GRACE;
    return Math.min(LONGEST_TIMER, left - Math.min(REPLACE_BEFORE_EXPIRY, left / 2));
  }
}
