import { EventEmitter } from 'node:events';
import { inspect, type InspectOptionsStylized } from 'node:util';
import type { ConnectionEvents } from './connection/events.js';
import { ManagedClient } from './connection/managed-client.js';
import type { CredentialsProvider } from './credentials/credentials.js';
import { createDebugLog, emitLater } from './diagnostics.js';
import { AzureRedisError } from './errors.js';
import { Heartbeat, type HeartbeatSettings } from './heartbeat/heartbeat.js';
import type { Client } from './ioredis/client.js';
import { connectorFor, useConnector, type ConnectorClass } from './ioredis/connector.js';
import {
  createPassword,
  patchIoredisOf,
  stopTracking,
  trackClientsWith,
  type Password,
} from './ioredis/tracking.js';
import { dateOf } from './timing/timeouts.js';

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
export interface AuthenticatorEvents extends ConnectionEvents {
  /** A new token was acquired. */
  tokenRefreshed: [event: { readonly username: string; readonly expiresOn: Date }];
  /** An attempt to acquire a new token failed; it is retried automatically. */
  tokenRefreshFailed: [event: { readonly error: AzureRedisError; readonly expiresOn: Date }];
  /**
   * The credential now issues tokens of another identity, for example since the managed identity was created anew. New
   * connections log in as the new user, live ones once their tokens end.
   */
  identityChanged: [event: { readonly previous: string; readonly username: string }];
  /**
   * A client that is not managed has logged in: nothing re-authenticates it, and the cache closes its connection when the
   * token expires. It is of a copy of ioredis that is bundled into another file; see {@link Authenticator.attach}.
   */
  unmanagedLogin: [event: { readonly username: string }];
}

const debugAuthenticator = createDebugLog('ioredis-azure:authenticator');
const debugClient = createDebugLog('ioredis-azure:client');

export type { HeartbeatSettings };

/** @internal Creates an authenticator whose connections log in with the credentials of `provider`. */
export let authenticatorFor: (provider: CredentialsProvider, heartbeat: HeartbeatSettings) => Authenticator;

const BRAND = Symbol.for('ioredis-azure.Authenticator');

/**
 * Owns one identity: its current token, the next refresh, and the live connections that log in with it.
 *
 * `configureForAzure()` creates it and returns it as `options.authenticator`. Listening to its events is optional: failures
 * are retried, and the errors that an application has to handle are reported by its clients.
 */
export class Authenticator extends EventEmitter<AuthenticatorEvents> {
  readonly #provider: CredentialsProvider;
  readonly #clients = new Set<ManagedClient>();
  readonly #password: Password;
  readonly #connector: ConnectorClass;
  readonly #serverNames = new Set<string>();
  readonly #heartbeat: Heartbeat;
  /** How many clients have been managed: tells whether a login was that of another one. */
  #managed = 0;
  #closed = false;

  private constructor(provider: CredentialsProvider, heartbeat: HeartbeatSettings) {
    super();
    // The constructor is private in TypeScript only.
    if (typeof (provider as Partial<CredentialsProvider> | undefined)?.waitUntilUsable !== 'function') {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'An Authenticator cannot be constructed directly.',
        'Use the `authenticator` of the options that configureForAzure() returns.',
      );
    }
    this.#provider = provider;
    this.#heartbeat = new Heartbeat(heartbeat, provider, this.#clients);
    this.#password = createPassword(
      () => provider.current.password,
      () => {
        this.#passwordRead();
      },
    );
    this.#connector = connectorFor(provider, this.#serverNames);
    provider.on('refreshed', ({ username, expiresOn }) => {
      this.#emit('tokenRefreshed', { username, expiresOn: new Date(expiresOn) });
      for (const client of this.#clients) client.credentialsRefreshed();
    });
    provider.on('identityChanged', (change) => {
      this.#emit('identityChanged', change);
    });
    provider.on('refreshFailed', (error) => {
      this.#emit('tokenRefreshFailed', { error, expiresOn: this.expiresOn });
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
    return [...this.#clients].map(({ endpoint, client: { status }, connection, stalls }) => {
      const { expiresOn = Infinity } = connection?.credentials ?? {};
      return { endpoint, status, stalls, ...(expiresOn < Infinity && { expiresOn: new Date(expiresOn) }) };
    });
  }

  /** @internal The options with which a client logs in. */
  get login(): { readonly password: Password; readonly Connector: ConnectorClass } {
    return { password: this.#password, Connector: this.#connector };
  }

  /** @internal Clients may log in to the server with this name, as its certificate states it. */
  allowServer(name: string): void {
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
  managedClientOf(client: Client): ManagedClient {
    if (this.#closed) throw closedError();
    return this.#manage(client);
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
    this.#manage(client).adopt();
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
    known?.release();
    useConnector(client, this.#connector);
    const managed = new ManagedClient(client, this.#provider, this.#emit, this.#ended);
    this.#managed += 1;
    // One that has ended is managed when it connects again.
    if (client.status === 'end') return managed;
    this.#clients.add(managed);
    debugClient('manages a client of %s', managed.endpoint);
    this.#provider.start();
    this.#heartbeat.start();
    return managed;
  }

  readonly #ended = (client: ManagedClient): void => {
    if (!this.#clients.delete(client)) return;
    debugClient('a client of %s has ended', client.endpoint);
    if (this.#clients.size > 0) return;
    this.#provider.stop();
    this.#heartbeat.stop();
  };

  /** ioredis, or the application, has read the text of the password. A managed client logs in without it. */
  #passwordRead(): void {
    const managed = this.#managed;
    // A client of a copy of ioredis that was not known before is managed as it sends its login, right after this.
    queueMicrotask(() => {
      if (managed !== this.#managed || this.#closed) return;
      this.#emit('unmanagedLogin', { username: this.username });
      if (hasWarned) return;
      hasWarned = true;
      process.emitWarning(UNMANAGED_LOGIN, { type: 'IoredisAzureWarning', code: 'UNMANAGED_CLIENT' });
    });
  }

  readonly #emit = <Name extends keyof AuthenticatorEvents>(
    name: Name,
    event: AuthenticatorEvents[Name][0],
  ): void => {
    debugAuthenticator('%s %o', name, event);
    emitLater<AuthenticatorEvents, Name>(this, name, event);
  };
}

const UNMANAGED_LOGIN =
  'A client that is not managed has read the password of ioredis-azure: the cache closes its connection when the token ' +
  'expires. Its copy of ioredis is of version 4, or bundled into another file: then call `authenticator.attach(client)` for ' +
  'the first client of that copy, or start the program with `node --import ioredis-azure/register`.';

/** Whether the process has been warned of an unmanaged client: once is enough. */
let hasWarned = false;

function closedError(): AzureRedisError {
  return new AzureRedisError(
    'CLOSED',
    'The authenticator has been closed.',
    'Call configureForAzure() again.',
  );
}
