import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { asUnknownCommand, isBlocked, type Product } from './blocked-commands.js';
import type { CommandErrors } from './command-errors.js';
import { Expiry } from './expiry.js';
import type { LoginCheck } from './login-check.js';
import type { LoginAttempt } from './login.js';
import { helloName, readLogin } from './login.js';
import { ReplyMatcher } from './reply-matcher.js';
import type { Piece } from './resp/command-framer.js';
import { CommandFramer } from './resp/command-framer.js';

/** An open connection. */
export interface OpenConnection {
  /** The number of the connection, from 1. */
  readonly id: number;
  /** When it was opened. */
  readonly openedAt: Date;
  /** The user name with which it is logged in. */
  readonly user: string | undefined;
  /** When its token expires; `undefined` if it has not logged in with a token. */
  readonly expiresOn: Date | undefined;
  /** The version of RESP. */
  readonly protocol: 2 | 3;
  /** The argument of CLIENT SETINFO LIB-NAME. */
  readonly libraryName: string | undefined;
  /** The argument of CLIENT SETNAME, or of HELLO SETNAME. */
  readonly name: string | undefined;
}

/** A login that was sent to the server. */
export interface CheckedLogin {
  readonly method: 'AUTH' | 'HELLO';
  readonly user: string;
  readonly name: string | undefined;
  /** In ms since 1970; `undefined` for an access key. */
  readonly expiresOn: number | undefined;
  /** Why the endpoint rejected it; `undefined` if it did not. */
  readonly reason: string | undefined;
}

/** Callbacks of a connection. */
export interface ConnectionListener {
  loggedIn(id: number, login: CheckedLogin): void;
  refused(id: number, login: CheckedLogin): void;
  evicted(id: number, user: string | undefined, expiresOn: number): void;
  closed(id: number): void;
}

/** The settings of every connection to an endpoint. */
export interface ConnectionRules {
  readonly check: LoginCheck;
  /** The service, which determines the blocked commands. */
  readonly product: Product;
  readonly errors: CommandErrors;
  /** The time after which a connection without traffic is closed, in ms; 0 for never. */
  readonly idleTimeout: number;
}

/** A client's connection, and its own connection to the server. */
export class ClientConnection {
  readonly #id: number;
  readonly #openedAt = new Date();
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #rules: ConnectionRules;
  readonly #listener: ConnectionListener;
  readonly #commands = new CommandFramer();
  readonly #replies: ReplyMatcher<CheckedLogin>;
  readonly #expiry: Expiry;
  #user: string | undefined;
  #name: string | undefined;
  #libraryName: string | undefined;
  /** Whether input waits for the check of a login, or until the endpoint's own reply is due. */
  #holding = false;
  #ownReply: string | undefined;
  #clientEnded = false;

  constructor(
    id: number,
    client: Socket,
    server: Socket,
    rules: ConnectionRules,
    listener: ConnectionListener,
  ) {
    this.#id = id;
    this.#client = client;
    this.#server = server;
    this.#rules = rules;
    this.#listener = listener;
    this.#expiry = new Expiry(() => {
      this.#evict();
    });
    this.#replies = new ReplyMatcher({
      accepted: (login) => {
        this.#accepted(login);
      },
      refused: (login) => {
        listener.refused(id, login);
      },
      reset: () => {
        this.#user = undefined;
        this.#name = undefined;
      },
    });
    this.#readClient();
    this.#readServer();
  }

  get state(): OpenConnection {
    return {
      id: this.#id,
      openedAt: this.#openedAt,
      user: this.#user,
      expiresOn: this.#expiry.at === undefined ? undefined : new Date(this.#expiry.at),
      protocol: this.#replies.protocol,
      libraryName: this.#libraryName,
      name: this.#name,
    };
  }

  get closed(): boolean {
    return this.#client.destroyed;
  }

  /** Closes both sides immediately; replies in flight are lost. */
  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #readClient(): void {
    const client = this.#client;
    client.on('data', (chunk) => {
      this.#commands.push(chunk);
      this.#forward();
    });
    client.on('end', () => {
      this.#clientEnded = true;
      this.#endServer();
    });
    client.on('drain', () => {
      this.#server.resume();
    });
    // Azure closes idle connections, subscribers included, without a reply or message.
    client.setTimeout(this.#rules.idleTimeout, () => {
      this.destroy();
    });
    // 'close' follows and is handled there.
    client.on('error', () => undefined);
    client.on('close', () => {
      this.#expiry.at = undefined;
      this.#server.destroy();
      this.#listener.closed(this.#id);
    });
  }

  #readServer(): void {
    const server = this.#server;
    server.on('data', (chunk) => {
      // The outcome of a login is recorded before the client sees the reply.
      this.#replies.push(chunk);
      if (this.#client.destroyed) return;
      if (!this.#client.write(chunk)) server.pause();
      this.#replyWhenDue();
      this.#endServer();
    });
    server.on('drain', () => {
      this.#readOn();
    });
    server.on('error', () => undefined);
    const close = () => {
      // Further input is read and discarded: unread input would make the system reset the connection before the last replies.
      this.#client.removeAllListeners('data').resume();
      this.#client.destroySoon();
      server.destroy();
    };
    server.on('end', close);
    server.on('close', close);
  }

  #readOn(): void {
    if (!this.#holding && !this.#server.writableNeedDrain) this.#client.resume();
  }

  /** Passes the client's input on, up to the next command that the endpoint has to check or to answer. */
  #forward(): void {
    const { errors } = this.#rules;
    for (;;) {
      const piece = this.#commands.next(errors.isPlanned);
      if (piece === undefined) break;
      if (piece.args !== undefined && this.#intercept(piece.args)) return;
      if (!this.#server.write(this.#follow(piece))) this.#client.pause();
    }
    this.#readOn();
    this.#endServer();
  }

  /** Whether the endpoint answers this command itself, or checks it as a login: the input after it waits. */
  #intercept(args: readonly Buffer[]): boolean {
    // The server itself answers SELECT within a transaction, and before a login.
    const isSelect = args[0]?.toString('latin1').toLowerCase() === 'select';
    const isServers = isSelect && (this.#user === undefined || this.#replies.inTransaction);
    const error = isServers ? undefined : this.#rules.errors.take(args, this.#id, this.#rules.product);
    const login = error === undefined ? readLogin(args) : undefined;
    if (error === undefined && login === undefined) return false;
    this.#holding = true;
    this.#client.pause();
    this.#ownReply = error;
    if (login) void this.#logIn(login);
    else this.#replyWhenDue();
    return true;
  }

  /** Sends the endpoint's own reply once the replies before it have been sent. */
  #replyWhenDue(): void {
    if (this.#ownReply === undefined || this.#replies.pending) return;
    this.#client.write(`-${this.#ownReply}\r\n`);
    this.#ownReply = undefined;
    this.#holding = false;
    this.#forward();
  }

  async #logIn(attempt: LoginAttempt): Promise<void> {
    const outcome = await this.#rules.check.check(attempt);
    this.#holding = false;
    if (this.#client.destroyed || this.#server.destroyed) return;
    const { method, user, name } = attempt;
    // With a wrong password the server itself rejects the login, with its own message and in the right order.
    const password = outcome.granted ? outcome.password : randomBytes(32).toString('hex');
    const login = {
      method,
      user,
      name,
      expiresOn: outcome.granted ? outcome.expiresOn : undefined,
      reason: outcome.granted ? undefined : outcome.reason,
    };
    this.#replies.expectLogin(login, outcome.granted);
    this.#server.write(attempt.withPassword(password));
    this.#forward();
  }

  /** Records what a piece of the input does, and returns what is sent to the server. */
  #follow({ commands, args = [], bytes }: Piece): Buffer {
    if (isBlocked(args, this.#rules.product)) {
      this.#replies.expectRefusal();
      return asUnknownCommand(args);
    }
    if (commands[0]?.name === 'client' && args.length > 1) {
      this.#followClient(args);
    } else {
      this.#name = helloName(args) ?? this.#name;
      for (const each of commands) this.#replies.expect(each);
    }
    return bytes;
  }

  #followClient(args: readonly Buffer[]): void {
    const [, subcommand = '', first = '', second] = args.map((arg) => arg.toString());
    const [name, option] = [subcommand.toLowerCase(), first.toLowerCase()];
    if (name === 'setname') this.#name = first;
    if (name === 'setinfo' && option === 'lib-name') this.#libraryName = second;
    this.#replies.expectClient(name, option);
  }

  #accepted(login: CheckedLogin): void {
    this.#user = login.user;
    this.#name = login.name ?? this.#name;
    this.#expiry.at = login.expiresOn;
    this.#listener.loggedIn(this.#id, login);
  }

  #evict(): void {
    const { at } = this.#expiry;
    if (at === undefined || this.closed) return;
    this.destroy();
    this.#listener.evicted(this.#id, this.#user, at);
  }

  /**
   * Passes the client's FIN on once the replies in flight have arrived: redis-server drops unwritten replies when it sees the
   * FIN. If only blocking commands are pending, the FIN is passed on immediately.
   */
  #endServer(): void {
    if (this.#clientEnded && !this.#holding && this.#replies.settled) this.#server.end();
  }
}
