import { EventEmitter } from 'node:events';
import { inspect, type InspectOptionsStylized } from 'node:util';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { trackClientsWith, patchIoredisOf, stopTracking } from './ioredis/tracking.js';
import type { Client } from './ioredis/client.js';
import { isClusterSubscriber } from './ioredis/cluster-subscriptions.js';
import { replaceClusterSubscriber } from './clients/cluster-subscribers.js';
import { LivenessMonitor, type HeartbeatSettings } from './clients/liveness-monitor.js';
import { ManagedClient, type ManagedClientObserver } from './clients/managed-client.js';
import type { RecycleReason, Replacement } from './clients/replacement.js';
import { connectorFor, useConnector, type ConnectorClass } from './ioredis/connector.js';
import { isProbe } from './ioredis/probe-connection.js';
import { dateOf } from './timing/deadline.js';
import { createDebugLog } from './debug-log.js';
import { emitLater } from './emit-later.js';
import { publishStall, type Stall } from './diagnostics.js';
import { AzureRedisError } from './errors.js';
import type { RefreshingCredentialsProvider } from './credentials/credentials.js';
import { createPassword, type Password } from './ioredis/password.js';

/** The state of one connection of an authenticator at the time of the snapshot. */
export interface ConnectionSnapshot {
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** ioredis' status of the client: `ready` when it can be used. */
  readonly status: string;
  /**
   * When the cache closes the connection unless it is re-authenticated; absent while the connection is not logged in, and
   * with an access key, which does not expire.
   */
  readonly expiresOn?: Date;
  /** How many of the client's connections were replaced because they did not answer within `heartbeatTimeout`. */
  readonly stalls: number;
}

/** The events of an {@link Authenticator}. Each has one object as its argument, which never contains a token, key or secret. */
export interface AuthenticatorEvents {
  /** A new token was acquired. */
  tokenRefreshed: [event: { readonly username: string; readonly expiresOn: Date }];
  /** An attempt to acquire a new token failed; it is retried automatically. */
  tokenRefreshFailed: [event: { readonly error: AzureRedisError; readonly expiresOn: Date }];
  /** A live connection was re-authenticated with the new token. */
  reauthenticated: [event: { readonly endpoint: string; readonly expiresOn: Date }];
  /** The re-authentication of a live connection failed; it is retried automatically. */
  reauthenticationFailed: [event: { readonly endpoint: string; readonly error: Error }];
  /**
   * A connection owed a reply for longer than `heartbeatTimeout`, and is replaced. `silence` says for how many ms nothing
   * arrived, `awaited` is the name of the command whose reply was due.
   */
  stalled: [event: Stall];
  /** A connection was replaced after `gap` ms without one; `delivery` says how its messages were delivered. */
  recycled: [event: Replacement & { readonly endpoint: string; readonly reason: RecycleReason }];
}

const debugAuthenticator = createDebugLog('ioredis-azure:authenticator');
const debugClient = createDebugLog('ioredis-azure:connection');

export type { HeartbeatSettings };

/** @internal Creates an authenticator whose connections log in with the credentials of `provider`. */
export let authenticatorFor: (
  provider: RefreshingCredentialsProvider,
  heartbeat: HeartbeatSettings,
) => Authenticator;

/** How many clients are scheduled in one turn of the event loop: 5,000 timers at once would block it for 25 ms. */
const SCHEDULED_PER_TURN = 500;

const BRAND = Symbol.for('ioredis-azure.Authenticator');

/**
 * Owns one identity: its current token, the next refresh, and the live connections that log in with it.
 *
 * `configureForAzure()` creates it and returns it as `options.authenticator`. Listening to its events is optional: failures
 * are retried, and the errors that an application has to handle are reported by its clients.
 */
export class Authenticator extends EventEmitter<AuthenticatorEvents> {
  readonly #provider: RefreshingCredentialsProvider;
  readonly #clients = new Set<ManagedClient>();
  readonly #password: Password;
  readonly #connector: ConnectorClass;
  readonly #serverNames = new Set<string>();
  readonly #liveness: LivenessMonitor;
  #closed = false;

  private constructor(provider: RefreshingCredentialsProvider, heartbeat: HeartbeatSettings) {
    super();
    // The constructor is private in TypeScript only.
    if (
      typeof (provider as Partial<RefreshingCredentialsProvider> | undefined)?.waitUntilUsable !== 'function'
    ) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'An Authenticator cannot be constructed directly.',
        'Use the `authenticator` of the options that configureForAzure() returns.',
      );
    }
    this.#provider = provider;
    this.#liveness = new LivenessMonitor(heartbeat, this.#clients);
    this.#password = createPassword(() => provider.current.password);
    this.#connector = connectorFor(provider, this.#serverNames);
    provider.on('refreshed', ({ username, expiresOn }) => {
      this.#report('tokenRefreshed', { username, expiresOn: new Date(expiresOn) });
      void this.#reauthenticateClients();
    });
    provider.on('refreshFailed', (error) => {
      this.#report('tokenRefreshFailed', { error, expiresOn: this.expiresOn });
    });
    trackClientsWith(this.#password, (client) => {
      this.#manage(client);
    });
  }

  /** The Redis user name: the identity's object id, unless `username` was given. */
  get username(): string {
    return this.#provider.username;
  }

  /** When the current token expires. An access key does not expire: its date is the last one that a Date can represent. */
  get expiresOn(): Date {
    return dateOf(this.#provider.current.expiresOn);
  }

  /** A snapshot of the connections. */
  get connections(): ConnectionSnapshot[] {
    const clients = [...this.#clients].filter(({ client }) => !isProbe(client));
    return clients.map(({ endpoint, client: { status }, expiresOn, liveness: { stalls } }) => ({
      endpoint,
      status,
      stalls,
      ...(expiresOn !== undefined && Number.isFinite(expiresOn) && { expiresOn: new Date(expiresOn) }),
    }));
  }

  /** @internal The options with which a client logs in. */
  get login(): { readonly password: Password; readonly Connector: ConnectorClass } {
    return { password: this.#password, Connector: this.#connector };
  }

  /** @internal Clients may log in to the server with this name, as its certificate states it. */
  trustServer(name: string): void {
    this.#serverNames.add(name);
  }

  static {
    Object.defineProperty(this.prototype, BRAND, { value: true });
    authenticatorFor = (provider, heartbeat) => new Authenticator(provider, heartbeat);
  }

  /** @internal A process can load this package as ES modules and as CommonJS: the authenticators of both are instances. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** @internal The managed client of a client that was created with this login. */
  connectionOf(client: Client): ManagedClient {
    if (this.#closed) throw closedError();
    return this.#manage(client);
  }

  /** @internal Judges connections to this cache faster for `duration` ms, in which Azure maintains it. */
  expectMaintenance(cache: string, duration: number): void {
    this.#liveness.expectMaintenance(cache, duration);
  }

  /**
   * Manages a client that was created by another copy of ioredis with the options returned by `configureForAzure()`, and
   * all clients that this copy creates from now on. Call it only for a copy of ioredis that is bundled into another file:
   * other copies are found automatically. Attaching a client again has no effect.
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
        'Create the client with the options that configureForAzure() returned, then attach it.',
      );
    }
    patchIoredisOf(client);
    this.#manage(client).scheduleReauthentication();
  }

  /**
   * Acquires a new token now, or waits for the request in progress, and re-authenticates the live connections with it. If
   * the identity library still returns the current token from its cache, that token remains in use; this is not an error.
   *
   * @throws AzureRedisError `TOKEN_UNAVAILABLE`, `TOKEN_REFUSED` or `TOKEN_INVALID` if no token was acquired; `CLOSED` after
   *   `close()`.
   */
  async refresh(): Promise<void> {
    if (this.#closed) throw closedError();
    await this.#provider.refresh();
  }

  /**
   * Stops refreshing the token and managing clients. They stay connected until their tokens expire; new connections cannot
   * be opened any more.
   */
  close(): void {
    this.#closed = true;
    stopTracking(this.#password);
    this.#provider.close(closedError());
    for (const client of this.#clients) client.release();
    this.#clients.clear();
    this.#stop();
  }

  /** The properties to log, without secrets. Empty for a copy, such as one created by `cloneDeep()` of lodash. */
  toJSON(): Partial<Pick<Authenticator, 'username' | 'expiresOn' | 'connections'>> {
    if (!(#provider in this)) return {};
    const { username, expiresOn, connections } = this;
    return { username, expiresOn, connections };
  }

  /** The output of `util.inspect()`, without secrets. */
  [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
    return `Authenticator ${inspect(this.toJSON(), options)}`;
  }

  #manage(client: Client): ManagedClient {
    const known = ManagedClient.of(client);
    if (known && this.#clients.has(known)) return known;
    // Another authenticator managed it before.
    known?.endedSilently();
    useConnector(client, this.#connector);
    const managed = new ManagedClient(client, this.#provider, this.#observer);
    if (isClusterSubscriber(client)) managed.delegateReplacement(() => replaceClusterSubscriber(client));
    this.#clients.add(managed);
    debugClient('manages a client of %s', managed.endpoint);
    this.#start();
    return managed;
  }

  async #reauthenticateClients(): Promise<void> {
    let scheduled = 0;
    for (const client of this.#clients) {
      client.scheduleReauthentication();
      scheduled += 1;
      if (scheduled % SCHEDULED_PER_TURN === 0) await nextTurn();
    }
  }

  readonly #observer: ManagedClientObserver = {
    reauthenticated: ({ endpoint, expiresOn = this.#provider.current.expiresOn }) => {
      this.#report('reauthenticated', { endpoint, expiresOn: dateOf(expiresOn) });
    },
    reauthenticationFailed: ({ endpoint }, error) => {
      this.#report('reauthenticationFailed', { endpoint, error });
    },
    stalled: (_client, stall) => {
      publishStall(stall);
      this.#report('stalled', stall);
    },
    recycled: ({ endpoint }, reason, { gap, delivery }) => {
      this.#report('recycled', { endpoint, reason, gap, delivery });
    },
    ended: (client) => {
      debugClient('a client of %s has ended', client.endpoint);
      this.#clients.delete(client);
      if (this.#clients.size === 0) this.#stop();
    },
  };

  #start(): void {
    this.#provider.start();
    this.#liveness.start();
  }

  #stop(): void {
    this.#provider.stop();
    this.#liveness.stop();
  }

  #report<Name extends keyof AuthenticatorEvents>(name: Name, event: AuthenticatorEvents[Name][0]): void {
    debugAuthenticator('%s %o', name, event);
    emitLater<AuthenticatorEvents, Name>(this, name, event);
  }
}

function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The authenticator has been closed.',
    'Call configureForAzure() again.',
  );
}
