import type { CredentialsProvider } from '../credentials/credentials.js';
import { publishStall, type Stall } from '../diagnostics.js';
import { limitBlocking, resolveLastIds } from '../ioredis/blocking-command.js';
import {
  endpointOf,
  enterMonitorMode,
  isLeaving,
  type Client,
  type Command,
  type CommandItem,
  type ReplyError,
} from '../ioredis/client.js';
import { isClusterSubscriber } from '../ioredis/cluster.js';
import { isWaitingForToken } from '../ioredis/connector.js';
import { hooksOf, observeCommandQueue, removeHooks, setHooks, type ClientHooks } from '../ioredis/hooks.js';
import { asProtocolRefusal, hidePassword, isHandshakeHello, isLogin } from '../ioredis/login.js';
import { isPending, rejectResent } from '../ioredis/queues.js';
import { closeNow, connectNow, reconnect } from '../ioredis/reconnect.js';
import { resubscribe } from '../ioredis/resubscribe.js';
import { dateOf } from '../timing/timeouts.js';
import { Connection } from './connection.js';
import { explain, isWrongPass, RefusedCommands } from './error-replies.js';
import type { RecycleReason, Replacement, Report } from './events.js';
import { keepLoggedIn } from './keep-logged-in.js';
import {
  readingEnds,
  replaceClusterSubscriber,
  repliesArrive,
  stallError,
  type ReplaceClient,
} from './replacement.js';

/**
 * The reasons to replace a connection without waiting for its pending replies, which may never arrive. For all others, those
 * are awaited, so that a subscriber misses no messages.
 */
const AT_ONCE: ReadonlySet<RecycleReason> = new Set(['blocked', 'stalled', 'requested']);

/** A live ioredis client whose connections are kept logged in, one after the other. */
export class ManagedClient implements ClientHooks {
  readonly client: Client;
  readonly #provider: CredentialsProvider;
  readonly #report: Report;
  readonly #onEnd: (client: ManagedClient) => void;
  /** The present connection, from when the client begins to connect until it closes. */
  connection: Connection | undefined;
  /** How many of the client's connections were replaced because they did not answer. */
  stalls = 0;
  /** Since when the last connection was unresponsive (`performance.now()`), if it was replaced for this reason. */
  unresponsiveSince: number | undefined;
  /** The replacement in progress: its reason, and since when (`performance.now()`) there is no connection. */
  #replacement: { readonly reason: RecycleReason; readonly since: number } | undefined;
  /** Takes over in place of this client's next connection. */
  #delegate: ReplaceClient | undefined;
  /** Created when first needed: few connections ever need it. */
  #refused: RefusedCommands | undefined;

  constructor(
    client: Client,
    provider: CredentialsProvider,
    report: Report,
    onEnd: (client: ManagedClient) => void,
  ) {
    this.client = client;
    this.#provider = provider;
    this.#report = report;
    this.#onEnd = onEnd;
    if (isClusterSubscriber(client)) this.#delegate = () => replaceClusterSubscriber(client);
    setHooks(client, this);
  }

  /** The managed client of this client, or of the client behind this Proxy. */
  static of(client: Client): ManagedClient | undefined {
    const hooks = hooksOf(client);
    return hooks instanceof ManagedClient ? hooks : undefined;
  }

  get endpoint(): string {
    return endpointOf(this.client);
  }

  /** How long the credentials of its connection are valid, in ms. */
  get credentialsLeft(): number {
    return (this.connection?.credentials ?? this.#provider.current).remaining;
  }

  /** Manages the connection of a client that is ready already. */
  adopt(): void {
    if (!this.connection && /^(?:ready|monitoring)$/.test(this.client.status)) this.statusChanged('ready');
  }

  /** New credentials are available: a client that waits for them connects at once. */
  credentialsRefreshed(): void {
    if (isWaitingForToken(this.client)) connectNow(this.client);
  }

  /** From now on `replace` is called instead of connecting this client again. */
  delegateReplacement(replace: ReplaceClient): void {
    this.#delegate = replace;
  }

  /** Replaces the live connection, if any. Resolves when that has begun, or when another client has taken over. */
  async replaceConnection(reason: RecycleReason): Promise<void> {
    const { connection } = this;
    if (!connection?.isLive) return;
    await (AT_ONCE.has(reason) ? readingEnds() : repliesArrive(connection));
    if (!connection.signal.closed) await this.#replace(connection, reason);
  }

  /** Replaces the connection, which owes a reply that a working server would have given. */
  replaceUnresponsive(silence: number, awaited: string): void {
    const { client, connection } = this;
    const stall = this.#stalled(silence, awaited);
    // A client that is logging in, or has sent QUIT, follows ioredis' own rules.
    if (client.status === 'connect' || isLeaving(client)) closeNow(client);
    else if (connection) void this.#replace(connection, 'stalled', stall);
  }

  /** Closes the connection to a server that does not answer at all, so that the owner of the client uses another one. */
  abandonUnresponsive(silence: number, awaited: string): void {
    this.#stalled(silence, awaited);
    closeNow(this.client);
  }

  /** Calls `send` as soon as no transaction is open, so that what it sends synchronously is part of none. */
  async outsideTransaction<Result>(send: () => Result | Promise<Result>): Promise<Result> {
    for (let connection; (connection = this.connection) && connection.transaction.isOpen;) {
      await connection.transaction.over();
    }
    return send();
  }

  /** An AUTH on the connection was answered, with this error if it failed. */
  reportLogin(error: Error | undefined): void {
    const { endpoint } = this;
    const expiresOn = dateOf(this.connection?.credentials?.expiresOn ?? Infinity);
    if (error) this.#report('reauthenticationFailed', { endpoint, error });
    else this.#report('reauthenticated', { endpoint, expiresOn });
  }

  /** Stops managing the client, and removes the hooks from it. */
  release(): void {
    this.#closed();
    this.#replacement = undefined;
    removeHooks(this.client, this);
    this.#onEnd(this);
  }

  statusChanged(status: string): void {
    switch (status) {
      case 'connecting':
        // The new connection logs in by itself, and over RESP2 one that has resubscribed accepts no AUTH.
        rejectResent(this.client, isLogin);
        this.#opened();
        break;
      case 'connect':
        this.#opened().beginHandshake(this.#provider);
        break;
      case 'ready':
        this.#ready(this.#opened());
        break;
      case 'close':
        this.#closed();
        break;
      case 'end':
        // ioredis neither sends nor settles them if the client ends before it is ready.
        rejectResent(this.client);
        this.release();
    }
  }

  beforeSend(command: Command): void {
    const { connection } = this;
    hidePassword(command, this.#provider.current);
    // Written in this turn, unless it has to wait for a connection: then it is sent again.
    if (connection && isLogin(command)) {
      connection.isHooked = true;
      if (this.client.status === 'ready') queueMicrotask(connection.fillLogins(this.#provider));
      return;
    }
    // In a transaction, XREAD does not block.
    if (connection?.transaction.isOpen !== true) resolveLastIds(this.client, command);
    limitBlocking(this, command);
  }

  afterSend(command: Command): void {
    const name = command.name.toLowerCase();
    const { connection } = this;
    if (name === 'multi') connection?.transaction.opened(command);
    if (name === 'exec' || name === 'discard' || name === 'reset') connection?.transaction.closed();
    if (name === 'monitor' && this.client.mode === 'monitor') enterMonitorMode(this.client, command);
    if (name === 'reset' && isPending(this.client, command)) void this.#replaceAfterReset(command);
  }

  refused(item: CommandItem, reply: ReplyError): Error | undefined {
    const { connection } = this;
    const { command } = item;
    if (!connection) return reply;
    if (isWrongPass(reply) && isHandshakeHello(this.client, command)) return asProtocolRefusal(reply);
    const { attempted = this.#provider.current, transaction } = connection;
    transaction.refused(command);
    if (isWrongPass(reply) && isLogin(command)) this.#provider.reportRejected(attempted);
    this.#refused ??= new RefusedCommands(connection, this.#provider, this);
    return this.#refused.retry(item, reply) ? undefined : explain(reply, attempted);
  }

  /** The connection of the client; a new one if it has none. */
  #opened(): Connection {
    return (this.connection ??= new Connection(this.client));
  }

  #ready(connection: Connection): void {
    this.unresponsiveSince = undefined;
    connection.endHandshake();
    // A wrapper around sendCommand() that calls ioredis' own method bypasses the hooks, as the handshake shows.
    if (connection.attempted && !connection.isHooked) observeCommandQueue(this.client, this);
    void keepLoggedIn(connection, this.#provider, this).then(
      (reason) => reason && this.replaceConnection(reason),
    );
    void this.#replaced(resubscribe(this.client));
  }

  async #replace(connection: Connection, reason: RecycleReason, stall?: Stall): Promise<void> {
    const { client } = this;
    const isAtOnce = AT_ONCE.has(reason);
    if (this.#replacement) {
      // It may await replies that do not arrive.
      if (isAtOnce) closeNow(client);
      return;
    }
    this.#replacement = { reason, since: performance.now() - (stall?.silence ?? 0) };
    if (this.#delegate) {
      const replaced = this.#replaceClient(reason, this.#delegate);
      if (isAtOnce) closeNow(client);
      await replaced;
    } else if (stall) {
      const isInTransaction = connection.transaction.isConfirmed;
      reconnect(client, { isInTransaction, explain: (error) => stallError(stall, error) });
    } else reconnect(client);
  }

  async #replaceClient(reason: RecycleReason, replace: ReplaceClient): Promise<void> {
    const replacement = await replace();
    this.#replacement = undefined;
    if (replacement) this.#recycled(reason, replacement);
  }

  /** The client is ready; `resubscribed` resolves to whether it has its subscriptions again. */
  async #replaced(resubscribed: Promise<boolean>): Promise<void> {
    const replacement = this.#replacement;
    this.#replacement = undefined;
    if (!replacement || !(await resubscribed)) return;
    const { reason, since } = replacement;
    this.#recycled(reason, { gap: Math.round(performance.now() - since), delivery: 'at-most-once' });
  }

  #recycled(reason: RecycleReason, { gap, delivery }: Replacement): void {
    this.#report('recycled', { endpoint: this.endpoint, reason, gap, delivery });
  }

  #stalled(silence: number, awaited: string): Stall {
    const stall = { endpoint: this.endpoint, silence: Math.round(silence), awaited };
    this.stalls += 1;
    this.unresponsiveSince = performance.now() - stall.silence;
    publishStall(stall);
    this.#report('stalled', stall);
    return stall;
  }

  #closed(): void {
    const { connection } = this;
    if (!connection) return;
    // If the server has closed it at its expiry, another client takes over.
    if (this.#delegate && connection.hasExpired && !this.#replacement) {
      this.#replacement = { reason: 'subscriber', since: performance.now() };
      void this.#replaceClient('subscriber', this.#delegate);
    }
    this.connection = undefined;
    this.#refused = undefined;
    connection.close();
  }

  /**
   * RESET removes the login, database and protocol of the connection, which AUTH alone would not restore. Commands sent
   * right after it are refused with NOAUTH, and sent again on the new connection.
   */
  async #replaceAfterReset(command: Command): Promise<void> {
    const connection = this.#opened();
    connection.isReset = true;
    await command.promise.catch(() => undefined);
    if (connection === this.connection) await this.replaceConnection('reset');
  }
}
