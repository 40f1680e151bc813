import { EventEmitter } from 'node:events';
import { inspect, type InspectOptionsStylized } from 'node:util';
import createDebug from 'debug';
import { trackClientsWith, patchIoredisOf, stopTracking } from './ioredis/tracking.js';
import type { Client } from './ioredis/client.js';
import { ClusterSubscribers, isClusterSubscriber } from './clients/cluster-subscriber.js';
import { ManagedClient, type ManagedClientObserver } from './clients/managed-client.js';
import type { RecycleReason, Replacement } from './clients/replacement.js';
import { connectorFor, useConnector, type ConnectorClass } from './ioredis/connector.js';
import { dateOf } from './timing/deadline.js';
import { AzureRedisError } from './errors.js';
import type { RefreshingCredentialsProvider } from './credentials/credentials.js';
import { createPassword, type Password } from './ioredis/password.js';

/** A live connection of an authenticator, as it was when the snapshot was taken. */
export interface ConnectionSnapshot {
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** ioredis' status of the client: `ready` when it can be used. */
  readonly status: string;
  /**
   * When the cache drops the connection unless it is re-authenticated; absent while it is not logged in, and with an
   * access key, which does not end.
   */
  readonly expiresOn?: Date;
}

/** The events of an {@link Authenticator}, each with one object. None of them ever holds a token, key or secret. */
export interface AuthenticatorEvents {
  /** A new token is there. */
  tokenRefreshed: [event: { readonly username: string; readonly expiresOn: Date }];
  /** An attempt to get a new token failed; it is tried again by itself. */
  tokenRefreshFailed: [event: { readonly error: AzureRedisError; readonly expiresOn: Date }];
  /** A live connection has logged in with the new token. */
  reauthenticated: [event: { readonly endpoint: string; readonly expiresOn: Date }];
  /** A live connection could not log in with the new token; it is tried again by itself. */
  reauthenticationFailed: [event: { readonly endpoint: string; readonly error: Error }];
  /**
   * A connection was replaced by a new one; for `gap` ms there was none. `delivery` tells how the messages of its
   * channels arrived across it.
   */
  recycled: [event: Replacement & { readonly endpoint: string; readonly reason: RecycleReason }];
}

const debugAuthenticator = createDebug('ioredis-azure:authenticator');
const debugClient = createDebug('ioredis-azure:connection');

/** @internal Makes an authenticator of what its connections log in with. */
export let authenticatorFor: (
  provider: RefreshingCredentialsProvider,
  heartbeatInterval: number,
) => Authenticator;

const BRAND = Symbol.for('ioredis-azure.Authenticator');

/**
 * Owns one identity: its current token, the next refresh, and the live connections that log in with it.
 *
 * It is made by `configureForAzure()`, as `options.authenticator`. Nobody has to listen to its events: every failure
 * is retried, and what the application must know reaches it through its clients.
 */
export class Authenticator extends EventEmitter<AuthenticatorEvents> {
  readonly #cycle: RefreshingCredentialsProvider;
  readonly #heartbeatInterval: number;
  readonly #clients = new Set<ManagedClient>();
  readonly #clusterSubscribers = new ClusterSubscribers();
  readonly #password: Password;
  readonly #connector: ConnectorClass;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(cycle: RefreshingCredentialsProvider, heartbeatInterval: number) {
    super();
    // JavaScript does not know that the constructor is private.
    if (
      typeof (cycle as Partial<RefreshingCredentialsProvider> | undefined)?.waitUntilUsable !== 'function'
    ) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'An Authenticator cannot be constructed directly.',
        'Use the `authenticator` of the options that configureForAzure() returns.',
      );
    }
    this.#cycle = cycle;
    this.#heartbeatInterval = heartbeatInterval;
    this.#password = createPassword(() => cycle.current.password);
    this.#connector = connectorFor(cycle);
    cycle.on('refreshed', ({ username, expiresOn }) => {
      this.#emitLater('tokenRefreshed', { username, expiresOn: new Date(expiresOn) });
      for (const client of this.#clients) client.scheduleReauthentication();
    });
    cycle.on('refreshFailed', (error) => {
      this.#emitLater('tokenRefreshFailed', { error, expiresOn: this.expiresOn });
    });
    trackClientsWith(this.#password, (client) => {
      this.#manage(client);
    });
  }

  /** The Redis user name: the identity's object id, unless `username` was given. */
  get username(): string {
    return this.#cycle.username;
  }

  /** When the current token ends. An access key does not: that is the last moment that a Date can hold. */
  get expiresOn(): Date {
    return dateOf(this.#cycle.current.expiresOn);
  }

  /** The live connections, as they are now. */
  get connections(): ConnectionSnapshot[] {
    return [...this.#clients].map(({ endpoint, client: { status }, expiresOn }) => ({
      endpoint,
      status,
      ...(expiresOn !== undefined && Number.isFinite(expiresOn) && { expiresOn: new Date(expiresOn) }),
    }));
  }

  /** @internal What goes into the options of a client. */
  get login(): { readonly password: Password; readonly Connector: ConnectorClass } {
    return { password: this.#password, Connector: this.#connector };
  }

  static {
    Object.defineProperty(this.prototype, BRAND, { value: true });
    authenticatorFor = (provider, heartbeatInterval) => new Authenticator(provider, heartbeatInterval);
  }

  /** @internal A process can hold both forms of this package, ES modules and CommonJS: the authenticators of either are instances. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** @internal The connection of a client that was made of this login. */
  connectionOf(client: Client): ManagedClient {
    if (this.#closed) throw closedError();
    return this.#manage(client);
  }

  /**
   * Keeps a client logged in that was made by another copy of ioredis, of the options that `configureForAzure()`
   * returned; clients that this copy makes from now on are kept too. It is needed only for a copy that is bundled
   * into another file: others are found by themselves. A client may be attached any number of times.
   *
   * @throws AzureRedisError `UNMANAGED_CLIENT` if the client does not log in with this authenticator's password, and
   *   `CLOSED` after `close()`.
   */
  attach(client: Client): void {
    if (this.#closed) throw closedError();
    if (client.options.password !== this.#password) {
      throw new AzureRedisError(
        'UNMANAGED_CLIENT',
        'The client does not log in with the password of this authenticator.',
        'Make the client of the options that configureForAzure() returned, then attach it.',
      );
    }
    patchIoredisOf(client);
    this.#manage(client).scheduleReauthentication();
  }

  /**
   * Asks for a new token now; if a question is under way, waits for its answer. Live connections are re-authenticated
   * with it. An identity library that still caches the current token is no failure: it remains in use.
   *
   * @throws AzureRedisError `TOKEN_UNAVAILABLE`, `TOKEN_REFUSED` or `TOKEN_INVALID` if there is none; `CLOSED` after
   *   `close()`.
   */
  async refresh(): Promise<void> {
    if (this.#closed) throw closedError();
    await this.#cycle.refresh();
  }

  /**
   * Stops refreshing the token and lets go of all clients. They stay connected until their tokens end; new connections
   * can no longer be made.
   */
  close(): void {
    this.#closed = true;
    stopTracking(this.#password);
    this.#cycle.close(closedError());
    for (const client of this.#clients) client.release();
    this.#clients.clear();
    this.#stop();
  }

  /** What a log may show. It is empty for a copy, such as lodash's `cloneDeep()` makes: the original does the work. */
  toJSON(): { username?: string; expiresOn?: Date; connections?: ConnectionSnapshot[] } {
    if (!(#cycle in this)) return {};
    const { username, expiresOn, connections } = this;
    return { username, expiresOn, connections };
  }

  /** What `util.inspect()` shows: never a secret. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `Authenticator ${inspect(this.toJSON(), options)}`;
  }

  #manage(client: Client): ManagedClient {
    const known = ManagedClient.of(client);
    if (known && this.#clients.has(known)) return known;
    // It logged in with another authenticator before.
    known?.endedSilently();
    useConnector(client, this.#connector);
    const managed = new ManagedClient(client, this.#cycle, this.#observer);
    if (isClusterSubscriber(client)) {
      this.#clusterSubscribers.created(client);
      managed.delegateReplacement(
        () => this.#clusterSubscribers.replace(client),
        (reply) => {
          this.#clusterSubscribers.subscriptionSent(client, reply);
        },
      );
    }
    this.#clients.add(managed);
    debugClient('manages a client of %s', managed.endpoint);
    this.#start();
    return managed;
  }

  readonly #observer: ManagedClientObserver = {
    reauthenticated: ({ endpoint, expiresOn = this.#cycle.current.expiresOn }) => {
      this.#emitLater('reauthenticated', { endpoint, expiresOn: dateOf(expiresOn) });
    },
    reauthenticationFailed: ({ endpoint }, error) => {
      this.#emitLater('reauthenticationFailed', { endpoint, error });
    },
    recycled: ({ endpoint }, reason, { gap, delivery }) => {
      this.#emitLater('recycled', { endpoint, reason, gap, delivery });
    },
    ended: (client) => {
      debugClient('a client of %s has ended', client.endpoint);
      this.#clients.delete(client);
      if (this.#clients.size === 0) this.#stop();
    },
  };

  #start(): void {
    this.#cycle.start();
    if (this.#heartbeat || this.#heartbeatInterval === 0) return;
    this.#heartbeat = setInterval(() => {
      for (const client of this.#clients) client.pingIfIdle();
    }, this.#heartbeatInterval);
    this.#heartbeat.unref();
  }

  #stop(): void {
    this.#cycle.stop();
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  /** Emits in a turn of its own: what a listener throws is its owner's affair, and must not disturb the life cycle. */
  #emitLater<Name extends keyof AuthenticatorEvents>(name: Name, event: AuthenticatorEvents[Name][0]): void {
    debugAuthenticator('%s %o', name, event);
    process.nextTick(() => {
      // TypeScript cannot tell that the tuple of a generic event name is the one built here.
      this.emit<keyof AuthenticatorEvents>(name, ...([event] as AuthenticatorEvents[Name]));
    });
  }
}

function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The authenticator has been closed.',
    'Call configureForAzure() again for new connections.',
  );
}
