import type { CredentialsProvider } from '../credentials/credentials.js';
import { publishStall, type Stall } from '../diagnostics.js';
import { limitBlocking, resolveLastIds } from '../ioredis/blocking-command.js';
import { endpointOf, internals, type Client, type Command, type ReplyError } from '../ioredis/client.js';
import { isWaitingForToken } from '../ioredis/connector.js';
import { hooksOf, observeCommandQueue, removeHooks, setHooks, type ClientHooks } from '../ioredis/hooks.js';
import {
  asProtocolRefusal,
  hidePassword,
  isHandshakeHello,
  isLogin,
  rejectQueuedLogins,
} from '../ioredis/login.js';
import { isPending, rejectUnsent } from '../ioredis/queues.js';
import { closeNow, connectNow } from '../ioredis/reconnect.js';
import { resubscribe } from '../ioredis/resubscribe.js';
import { dateOf } from '../timing/timeouts.js';
import { Connection } from './connection.js';
import { explain, isWrongPass } from './error-replies.js';
import type { RecycleReason, Report } from './events.js';
import { keepLoggedIn } from './keep-logged-in.js';
import { RefusedCommands } from './refused-commands.js';
import { Replacer, type ReplaceClient, type ReplaceOptions } from './replacer.js';

/** A live ioredis client whose connections are kept logged in, one after the other. */
export class ManagedClient implements ClientHooks {
  readonly client: Client;
  readonly #provider: CredentialsProvider;
  readonly #report: Report;
  readonly #onEnd: (client: ManagedClient) => void;
  readonly #replacer: Replacer;
  #connection: Connection | undefined;
  /** Created when first needed: few connections ever need it. */
  #refused: RefusedCommands | undefined;
  #unresponsiveSince: number | undefined;
  #stalls = 0;

  /** @param onEnd Called when the client has ended. */
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
    this.#replacer = new Replacer(client, report);
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

  /** The present connection, from when the client begins to connect until it closes. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** How many of the client's connections were replaced because they did not answer. */
  get stalls(): number {
    return this.#stalls;
  }

  /** Since when the last connection was unresponsive (`performance.now()`), if it was replaced for this reason. */
  get unresponsiveSince(): number | undefined {
    return this.#unresponsiveSince;
  }

  /** Manages the connection of a client that is ready already. */
  adopt(): void {
    if (!this.#connection && /^(?:ready|monitoring)$/.test(this.client.status)) this.statusChanged('ready');
  }

  /** New credentials are available: a client that waits for them connects at once. */
  credentialsRefreshed(): void {
    if (isWaitingForToken(this.client)) connectNow(this.client);
  }

  /** From now on `replace` is called instead of connecting this client again. */
  delegateReplacement(replace: ReplaceClient): void {
    this.#replacer.delegateTo(replace);
  }

  /** Replaces the live connection, if any. Resolves when that has begun, or when another client has taken over. */
  async replaceConnection(reason: RecycleReason, options?: ReplaceOptions): Promise<void> {
    const connection = this.#connection;
    if (connection?.isLive) await this.#replacer.replace(connection, reason, options);
  }

  /** Replaces the connection, which owes a reply that a working server would have given. */
  replaceUnresponsive(silence: number, awaited: string): void {
    const stall = this.#stalled(silence, awaited);
    if (this.#connection) void this.#replacer.replace(this.#connection, 'stalled', { stall });
  }

  /** Closes the connection to a server that does not answer at all, so that the owner of the client uses another one. */
  abandonUnresponsive(silence: number, awaited: string): void {
    this.#stalled(silence, awaited);
    closeNow(this.client);
  }

  /** Calls `send` as soon as no transaction is open, so that what it sends synchronously is part of none. */
  async outsideTransaction<Result>(send: () => Result | Promise<Result>): Promise<Result> {
    for (let connection; (connection = this.#connection) && connection.transaction.isOpen;) {
      await connection.transaction.over();
    }
    return send();
  }

  /** Stops managing the client, and removes the hooks from it. */
  release(): void {
    this.#closed();
    this.#replacer.cancel();
    removeHooks(this.client, this);
  }

  statusChanged(status: string): void {
    switch (status) {
      case 'connecting':
        rejectQueuedLogins(this.client);
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
        rejectUnsent(this.client);
        this.abandoned();
    }
  }

  abandoned(): void {
    this.release();
    this.#onEnd(this);
  }

  beforeSend(command: Command): void {
    const connection = this.#connection;
    hidePassword(command, this.#provider.current);
    // Written in this turn, unless it has to wait for a connection: then it is sent again.
    if (connection && isLogin(command)) {
      connection.isHooked = true;
      if (this.client.status === 'ready') queueMicrotask(connection.fillLogins(this.#provider));
      return;
    }
    // In a transaction, XREAD does not block.
    if (connection?.transaction.isOpen !== true) resolveLastIds(this.client, command);
    limitBlocking(
      this.client,
      command,
      () => (this.#connection?.credentials ?? this.#provider.current).remaining,
      (send) => void this.outsideTransaction(send),
    );
  }

  afterSend(command: Command): void {
    const name = command.name.toLowerCase();
    const connection = this.#connection;
    if (name === 'multi') connection?.transaction.opened(command);
    if (name === 'exec' || name === 'discard' || name === 'reset') connection?.transaction.closed();
    if (name === 'monitor' && this.client.mode === 'monitor') this.#enterMonitorMode(command);
    if (name === 'reset' && isPending(this.client, command)) void this.#replaceAfterReset(command);
  }

  refused(command: Command, reply: ReplyError): Error | undefined {
    const connection = this.#connection;
    if (!connection) return reply;
    if (isWrongPass(reply) && isHandshakeHello(this.client, command)) return asProtocolRefusal(reply);
    const { attempted = this.#provider.current, transaction } = connection;
    transaction.refused(command);
    if (isWrongPass(reply) && isLogin(command)) this.#provider.reportRejected(attempted);
    this.#refused ??= new RefusedCommands(connection, this.#provider, () =>
      this.replaceConnection('failover', { awaitReplies: true }),
    );
    return this.#refused.retry(command, reply) ? undefined : explain(reply, attempted);
  }

  /** The connection of the client; a new one if it has none. */
  #opened(): Connection {
    this.#connection ??= new Connection(this.client);
    return this.#connection;
  }

  #ready(connection: Connection): void {
    this.#unresponsiveSince = undefined;
    connection.endHandshake();
    // A wrapper around sendCommand() that calls ioredis' own method bypasses the hooks, as the handshake shows.
    if (connection.attempted && !connection.isHooked) observeCommandQueue(this.client, this);
    void this.#keepLoggedIn(connection);
    this.#replacer.connected(resubscribe(this.client));
  }

  async #keepLoggedIn(connection: Connection): Promise<void> {
    const reason = await keepLoggedIn(connection, this.#provider, (error) => {
      const { endpoint } = this;
      if (error) this.#report('reauthenticationFailed', { endpoint, error });
      else
        this.#report('reauthenticated', {
          endpoint,
          expiresOn: dateOf(connection.credentials?.expiresOn ?? Infinity),
        });
    });
    if (reason) await this.replaceConnection(reason, { awaitReplies: reason !== 'blocked' });
  }

  #stalled(silence: number, awaited: string): Stall {
    const stall = { endpoint: this.endpoint, silence: Math.round(silence), awaited };
    this.#stalls += 1;
    this.#unresponsiveSince = performance.now() - stall.silence;
    publishStall(stall);
    this.#report('stalled', stall);
    return stall;
  }

  #closed(): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#replacer.disconnected(connection);
    this.#connection = undefined;
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
    if (connection === this.#connection) await this.replaceConnection('reset', { awaitReplies: true });
  }

  /**
   * ioredis enters MONITOR mode in a later turn than that of the reply. It would take what the server sends in the same turn
   * for replies, to which it has no commands, and emit an `error` that ends the process.
   */
  #enterMonitorMode(command: Command): void {
    const { resolve } = command;
    command.resolve = (reply) => {
      internals(this.client).status = 'monitoring';
      resolve.call(command, reply);
    };
  }
}
