import type { EventEmitter } from 'node:events';
import type { CheckedLogin, OpenConnection } from './connection.js';
import type { EndpointListener } from './endpoint.js';
import type { IssuerListener } from './identity.js';
import { DEFAULT_USER } from './login.js';

/** An event of a connection. */
export interface ConnectionEntry {
  /** The time of the event. */
  readonly at: Date;
  /** The connection's number, from 1. */
  readonly connection: number;
}

/** A login that succeeded. */
export interface LoginEntry extends ConnectionEntry {
  /** The user name. */
  readonly user: string;
  /** The command that logged in. */
  readonly method: 'AUTH' | 'HELLO';
  /** When the token expires; `undefined` for an access key. */
  readonly expiresOn: Date | undefined;
}

/** A login that was rejected. */
export interface RefusalEntry extends ConnectionEntry {
  /** The user name, unless it might be a secret in the wrong place. */
  readonly user: string | undefined;
  /** The command that attempted the login. */
  readonly method: 'AUTH' | 'HELLO';
  /** Why the login was rejected. */
  readonly reason: string;
}

/** A connection that was closed because its token expired. */
export interface EvictionEntry extends ConnectionEntry {
  /** The user name. */
  readonly user: string | undefined;
  /** The expiry of the token that the connection last logged in with. */
  readonly expiresOn: Date;
}

/** A token request. */
export interface TokenRequestEntry {
  /** The time of the request. */
  readonly at: Date;
  /** The object id of the requesting identity. */
  readonly oid: string;
}

/** A token that was issued. */
export interface TokenEntry extends TokenRequestEntry {
  /** The expiry of the token. */
  readonly expiresOn: Date;
}

/** The events so far, in order, by kind. It contains no token and no key. */
export interface Statistics {
  /** Every connection that was opened. */
  readonly connections: readonly ConnectionEntry[];
  /** Every login that succeeded. */
  readonly logins: readonly LoginEntry[];
  /** Every login that was rejected. */
  readonly refusals: readonly RefusalEntry[];
  /** Every connection that was closed because its token expired. */
  readonly evictions: readonly EvictionEntry[];
  /** Every request that reached the identity service, answered or not. */
  readonly tokenRequests: readonly TokenRequestEntry[];
  /** Every token that was issued. */
  readonly tokensIssued: readonly TokenEntry[];
  /** The connections that are open now. */
  readonly open: readonly OpenConnection[];
}

/** The events of an `AzureRedisEmulator`; each argument is the entry in the statistics. */
export interface AzureRedisEmulatorEvents {
  /** A connection was opened. */
  connection: [entry: ConnectionEntry];
  /** A login succeeded. */
  login: [entry: LoginEntry];
  /** A login was rejected. */
  refusal: [entry: RefusalEntry];
  /** A connection was closed because its token expired. */
  eviction: [entry: EvictionEntry];
  /** A connection was closed, by either side. */
  close: [entry: ConnectionEntry];
  /** A token request arrived. */
  tokenRequest: [entry: TokenRequestEntry];
  /** A token was issued. */
  token: [entry: TokenEntry];
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Records events and emits them. */
export class Recorder implements EndpointListener, IssuerListener {
  readonly #events: EventEmitter<AzureRedisEmulatorEvents>;
  readonly #users = new Set([DEFAULT_USER]);
  readonly #connections: ConnectionEntry[] = [];
  readonly #logins: LoginEntry[] = [];
  readonly #refusals: RefusalEntry[] = [];
  readonly #evictions: EvictionEntry[] = [];
  readonly #tokenRequests: TokenRequestEntry[] = [];
  readonly #tokensIssued: TokenEntry[] = [];

  constructor(events: EventEmitter<AzureRedisEmulatorEvents>) {
    this.#events = events;
  }

  opened(): number {
    const entry = { at: new Date(), connection: this.#connections.length + 1 };
    this.#connections.push(entry);
    this.#events.emit('connection', entry);
    return entry.connection;
  }

  loggedIn(connection: number, { user, method, expiresOn }: CheckedLogin): void {
    const expiry = expiresOn === undefined ? undefined : new Date(expiresOn);
    const entry = { at: new Date(), connection, user, method, expiresOn: expiry };
    this.#logins.push(entry);
    this.#events.emit('login', entry);
  }

  refused(connection: number, { user, method, reason = 'the server refused it' }: CheckedLogin): void {
    // A token or key may have been sent in place of the user name.
    const known = this.#users.has(user) || GUID.test(user);
    const entry = { at: new Date(), connection, user: known ? user : undefined, method, reason };
    this.#refusals.push(entry);
    this.#events.emit('refusal', entry);
  }

  evicted(connection: number, user: string | undefined, expiresOn: number): void {
    const entry = { at: new Date(), connection, user, expiresOn: new Date(expiresOn) };
    this.#evictions.push(entry);
    this.#events.emit('eviction', entry);
  }

  closed(connection: number): void {
    this.#events.emit('close', { at: new Date(), connection });
  }

  identified(oid: string): void {
    this.#users.add(oid);
  }

  requested(oid: string): void {
    const entry = { at: new Date(), oid };
    this.#tokenRequests.push(entry);
    this.#events.emit('tokenRequest', entry);
  }

  issued(oid: string, expiresOn: number): void {
    const entry = { at: new Date(), oid, expiresOn: new Date(expiresOn) };
    this.#tokensIssued.push(entry);
    this.#events.emit('token', entry);
  }

  /** A snapshot of the events so far. */
  snapshot(open: readonly OpenConnection[]): Statistics {
    return {
      connections: [...this.#connections],
      logins: [...this.#logins],
      refusals: [...this.#refusals],
      evictions: [...this.#evictions],
      tokenRequests: [...this.#tokenRequests],
      tokensIssued: [...this.#tokensIssued],
      open,
    };
  }
}
