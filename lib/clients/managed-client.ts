import type { CredentialsProvider } from '../credentials/credentials.js';
import type { Stall } from '../diagnostics.js';
import { limitBlocking, type BlockingRules } from '../ioredis/blocking-command.js';
import {
  endpointOf,
  isPending,
  sendOnNextConnection,
  type Client,
  type Command,
  type ReplyError,
} from '../ioredis/client.js';
import {
  isInHandshake,
  isLeaving,
  isLoggingIn,
  reconnectsByItself,
  rejectUnsent,
} from '../ioredis/client-state.js';
import { isWaitingForToken } from '../ioredis/connector.js';
import {
  handlersOf,
  observeCommandQueue,
  removeHandlers,
  setHandlers,
  type HookHandlers,
} from '../ioredis/hooks.js';
import {
  asProtocolRefusal,
  isHello,
  isLogin,
  redactLogin,
  redactRefusedLogin,
  rejectQueuedLogins,
} from '../ioredis/login-command.js';
import { ProbeConnection } from '../ioredis/probe-connection.js';
import { closeNow, connectNow } from '../ioredis/reconnect.js';
import { resubscribe } from '../ioredis/resubscribe.js';
import { resolveLastIds } from '../ioredis/stream-position.js';
import { ConnectionReplacer } from './connection-replacer.js';
import type { SilentConnection } from './endpoint-health.js';
import { explained, isNoAuth, isWrongPass } from './error-replies.js';
import { Heartbeat } from './heartbeat.js';
import { Liveness } from './liveness.js';
import { NoAuthRetry } from './no-auth-retry.js';
import { Reauthentication } from './reauthentication.js';
import type { RecycleReason, ReplaceClient, Replacement } from './replacement.js';
import { blockingLimit, REPLACE_BEFORE_EXPIRY, Session } from './session.js';

/** Lifecycle callbacks of a managed client. */
export interface ManagedClientObserver {
  reauthenticated(client: ManagedClient): void;
  reauthenticationFailed(client: ManagedClient, error: Error): void;
  stalled(client: ManagedClient, stall: Stall): void;
  recycled(client: ManagedClient, reason: RecycleReason, replacement: Replacement): void;
  ended(client: ManagedClient): void;
}

/** An ioredis client whose connections are kept logged in with the current credentials, one connection after the other. */
export class ManagedClient implements HookHandlers {
  readonly client: Client;
  readonly liveness: Liveness;
  readonly #provider: CredentialsProvider;
  readonly #observer: ManagedClientObserver;
  readonly #session: Session;
  readonly #replacer: ConnectionReplacer;
  readonly #reauthentication: Reauthentication;
  /** Created when first needed: few clients ever need it. */
  #noAuthRetry: NoAuthRetry | undefined;
  readonly #heartbeat: Heartbeat;
  #silentSince: number | undefined;

  constructor(client: Client, provider: CredentialsProvider, observer: ManagedClientObserver) {
    this.client = client;
    this.liveness = new Liveness(client);
    this.#provider = provider;
    this.#observer = observer;
    this.#session = new Session(client);
    this.#replacer = new ConnectionReplacer(client, this.#session, (reason, replacement) => {
      observer.recycled(this, reason, replacement);
    });
    this.#reauthentication = new Reauthentication(client, this.#session, provider, this.#replacer, {
      reauthenticated: () => {
        observer.reauthenticated(this);
      },
      failed: (error) => {
        observer.reauthenticationFailed(this, error);
      },
    });
    this.#heartbeat = new Heartbeat(client, this.#session.transaction);
    setHandlers(client, this);
  }

  /** The managed client of this client, or of the client behind this Proxy. */
  static of(client: Client): ManagedClient | undefined {
    const handlers = handlersOf(client);
    return handlers instanceof ManagedClient ? handlers : undefined;
  }

  get endpoint(): string {
    return endpointOf(this.client);
  }

  /** The name of the cache, which the certificates of all of its nodes are valid for. */
  get cache(): string {
    const { tls, host = '' } = this.client.options;
    return tls?.servername ?? host;
  }

  /** When the server drops the live connection, in ms since 1970. */
  get expiresOn(): number | undefined {
    return this.#session.credentials?.expiresOn;
  }

  /** Moves the live connection to the current credentials; a client that waits for credentials connects at once. */
  scheduleReauthentication(): void {
    if (isWaitingForToken(this.client)) connectNow(this.client);
    else this.#reauthentication.schedule();
  }

  /** Since when the last connection was silent (`performance.now()`), if it was replaced for this reason. */
  get silentSince(): number | undefined {
    return this.#silentSince;
  }

  /** Sends PING if nothing was written since the last call. */
  pingIfIdle(): void {
    this.#heartbeat.pingIfIdle();
  }

  /** Sends PING, unless a reply is due already. */
  ping(): void {
    if (this.liveness.silence === 0) this.#heartbeat.ping();
  }

  /** The connection, which is silent and has to answer within `limit` ms. */
  silentConnection(limit: number): SilentConnection {
    const { liveness, client } = this;
    return {
      silence: liveness.silence,
      isOverdue: liveness.silence >= limit,
      isAnsweredAtOnce: liveness.isAnsweredAtOnce,
      hasAlternatives: !reconnectsByItself(client),
      createProbe: () => new ProbeConnection(client),
      replace: () =>
        this.#stalled((stall) => {
          // A client that is logging in, or has sent QUIT, follows ioredis' own rules.
          if (isLoggingIn(client) || isLeaving(client)) closeNow(client);
          else this.#replacer.replaceSilent(stall);
        }),
      abandon: () => {
        void this.#stalled(() => {
          closeNow(client);
        });
      },
    };
  }

  /** From now on `replace` is called instead of connecting this client again. */
  delegateReplacement(replace: ReplaceClient): void {
    this.#replacer.delegateTo(replace);
  }

  /** Replaces the live connection, if any, once no transaction is open and its pending replies have arrived. */
  async replaceConnection(reason: RecycleReason): Promise<void> {
    await this.outsideTransaction(async () => {
      if (this.#session.isLive) await this.#replacer.replaceAfterReplies(reason);
    });
  }

  /** Replaces the live connection, if any, at once. */
  async forceReconnect(): Promise<void> {
    if (this.#session.isLive) await this.#replacer.force('requested');
  }

  /** Calls `send` as soon as no transaction is open, so that what it sends synchronously is part of none. */
  async outsideTransaction<Result>(send: () => Promise<Result>): Promise<Result> {
    return this.#session.outsideTransaction(send);
  }

  /** Stops managing the client, and removes the hooks from it. */
  release(): void {
    this.#disconnected();
    this.#replacer.cancel();
    removeHandlers(this.client, this);
  }

  statusChanged(status: string): void {
    if (status === 'connecting') {
      rejectQueuedLogins(this.client);
    } else if (status === 'ready') {
      this.#silentSince = undefined;
      // A wrapper around sendCommand() that calls ioredis' own method bypasses the hooks, as the handshake shows.
      if (!this.#session.hasLoggedIn) observeCommandQueue(this.client, this);
      this.#reauthentication.connected();
      this.#replacer.connected(resubscribe(this.client));
    } else if (status === 'close') {
      this.#disconnected();
    } else if (status === 'end') {
      rejectUnsent(this.client);
      this.#ended();
    }
  }

  endedSilently(): void {
    this.#ended();
  }

  readonly #blockingRules: BlockingRules = {
    limit: () => blockingLimit((this.#session.credentials ?? this.#provider.current).remaining),
    outsideTransaction: (send) => {
      void this.#session.outsideTransaction(send);
    },
  };

  #ended(): void {
    this.release();
    this.#observer.ended(this);
  }

  #disconnected(): void {
    this.#replacer.disconnected();
    this.#reauthentication.disconnected();
    this.#session.end();
  }

  preparing(command: Command): void {
    // In a transaction, XREAD does not block.
    if (!this.#session.transaction.isOpen) resolveLastIds(this.client, command);
  }

  sending(command: Command): void {
    limitBlocking(this.client, command, this.#blockingRules);
    if (command.name.toLowerCase() === 'multi') this.#session.transaction.opened(command);
    redactLogin(command, this.#provider, (credentials) => {
      this.#session.loginSent(command.promise, credentials);
    });
  }

  sent(command: Command): void {
    const name = command.name.toLowerCase();
    if (name === 'exec' || name === 'discard' || name === 'reset') this.#session.transaction.closed();
    if (name === 'reset' && isPending(this.client, command)) void this.#replaceAfterReset(command);
  }

  refused(command: Command, reply: ReplyError, passThrough: (error: Error) => void): void {
    if (isHello(command) && isLogin(command) && isWrongPass(reply) && isInHandshake(this.client)) {
      passThrough(asProtocolRefusal(reply));
      return;
    }
    this.#session.transaction.refused(command);
    redactRefusedLogin(command, this.#provider);
    if (isNoAuth(reply) && this.#session.isReset && this.#mayRetry(command)) {
      // It is sent on the next connection, in the order of the replies.
      sendOnNextConnection(this.client, command);
      return;
    }
    if (isWrongPass(reply) && isLogin(command)) this.#provider.reportRejected();
    if (isNoAuth(reply) && this.#mayRetry(command) && this.#retry(command)) return;
    passThrough(explained(reply, this.#provider.username));
  }

  /**
   * RESET removes the login, database and protocol of the connection, which AUTH alone would not restore. Commands sent
   * right after it are refused with NOAUTH, and sent again on the new connection.
   */
  async #replaceAfterReset(command: Command): Promise<void> {
    const { id } = this.#session;
    this.#session.isReset = true;
    await command.promise.catch(() => undefined);
    if (id === this.#session.id) await this.#replacer.replaceAfterRead('reset');
  }

  #stalled(replace: (stall: Stall) => void): Promise<unknown> {
    const { endpoint, liveness } = this;
    const stall = { endpoint, silence: Math.round(liveness.silence), awaited: liveness.awaited };
    const answered = liveness.stalled();
    this.#silentSince = performance.now() - stall.silence;
    this.#observer.stalled(this, stall);
    replace(stall);
    return answered;
  }

  #retry(command: Command): boolean {
    this.#noAuthRetry ??= new NoAuthRetry(this.client, this.#session.transaction, async () => {
      await this.#provider.waitUntilUsable(AbortSignal.timeout(REPLACE_BEFORE_EXPIRY));
      await this.#reauthentication.authenticate();
    });
    return this.#noAuthRetry.retry(command);
  }

  #mayRetry(command: Command): boolean {
    const userDecides = typeof this.client.options.reconnectOnError === 'function';
    return this.client.status === 'ready' && !userDecides && !isLogin(command);
  }
}
