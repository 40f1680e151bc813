import type { EventEmitter } from 'node:events';

/** Something that happened on a connection. */
export interface ConnectionEntry {
  readonly at: Date;
  /** The connection's number, from 1. */
  readonly connection: number;
}

export interface LoginEntry extends ConnectionEntry {
  readonly user: string;
  readonly method: 'AUTH' | 'HELLO';
  /** When the token expires; `undefined` for an access key. */
  readonly expiresOn: Date | undefined;
}

export interface RefusalEntry extends ConnectionEntry {
  /** The user name, unless it might be a secret in the wrong place. */
  readonly user: string | undefined;
  readonly method: 'AUTH' | 'HELLO';
  readonly reason: string;
}

export interface EvictionEntry extends ConnectionEntry {
  readonly user: string | undefined;
  /** The expiry of the token that the connection last logged in with. */
  readonly expiresOn: Date;
}

export interface TokenRequestEntry {
  readonly at: Date;
  /** Who asked the identity service. */
  readonly oid: string;
}

export interface TokenEntry extends TokenRequestEntry {
  readonly expiresOn: Date;
}

/** A connection that is open. */
export interface OpenConnection {
  readonly id: number;
  readonly openedAt: Date;
  /** The user that it is logged in as. */
  readonly user: string | undefined;
  /** When it will be closed; `undefined` when it never logged in with a token. */
  readonly expiresOn: Date | undefined;
  /** The version of RESP. */
  readonly protocol: 2 | 3;
  /** What CLIENT SETINFO LIB-NAME said. */
  readonly libraryName: string | undefined;
  /** What CLIENT SETNAME, or HELLO SETNAME, said. */
  readonly name: string | undefined;
}

/** What happened so far, each kind in its order. It holds no token and no key. */
export interface Statistics {
  /** Every connection that was opened. */
  readonly connections: readonly ConnectionEntry[];
  readonly logins: readonly LoginEntry[];
  readonly refusals: readonly RefusalEntry[];
  /** Every connection that was closed because its token expired. */
  readonly evictions: readonly EvictionEntry[];
  /** Every request that reached the identity service, also when it was not answered. */
  readonly tokenRequests: readonly TokenRequestEntry[];
  readonly tokensIssued: readonly TokenEntry[];
  /** The connections that are open now. */
  readonly open: readonly OpenConnection[];
}

/** The events of a `LocalAzure`; each entry is the one that the statistics hold. */
export interface LocalAzureEvents {
  connection: [entry: ConnectionEntry];
  login: [entry: LoginEntry];
  refusal: [entry: RefusalEntry];
  eviction: [entry: EvictionEntry];
  /** A connection is closed, whoever closed it. */
  close: [entry: ConnectionEntry];
  tokenRequest: [entry: TokenRequestEntry];
  token: [entry: TokenEntry];
}

/** Keeps what happened, and tells it to whoever listens. */
export class Recorder {
  readonly #events: EventEmitter<LocalAzureEvents>;
  readonly #connections: ConnectionEntry[] = [];
  readonly #logins: LoginEntry[] = [];
  readonly #refusals: RefusalEntry[] = [];
  readonly #evictions: EvictionEntry[] = [];
  readonly #tokenRequests: TokenRequestEntry[] = [];
  readonly #tokensIssued: TokenEntry[] = [];

  constructor(events: EventEmitter<LocalAzureEvents>) {
    this.#events = events;
  }

  connection(entry: ConnectionEntry): void {
    this.#connections.push(entry);
    this.#events.emit('connection', entry);
  }

  login(entry: LoginEntry): void {
    this.#logins.push(entry);
    this.#events.emit('login', entry);
  }

  refusal(entry: RefusalEntry): void {
    this.#refusals.push(entry);
    this.#events.emit('refusal', entry);
  }

  eviction(entry: EvictionEntry): void {
    this.#evictions.push(entry);
    this.#events.emit('eviction', entry);
  }

  close(entry: ConnectionEntry): void {
    this.#events.emit('close', entry);
  }

  tokenRequest(entry: TokenRequestEntry): void {
    this.#tokenRequests.push(entry);
    this.#events.emit('tokenRequest', entry);
  }

  token(entry: TokenEntry): void {
    this.#tokensIssued.push(entry);
    this.#events.emit('token', entry);
  }

  /** A snapshot, which does not change any more. */
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
