import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { decodeReply } from '../../emulator/resp/decode.js';

/** A login: its expiry, in ms since 1970, and the number of its token. */
export interface KnownToken {
  readonly number: number;
  readonly expiresOn: number;
}

/** Callbacks of the server. */
export interface TinyRedisOwner {
  /** The token with this text, if it is one. */
  token(text: string): KnownToken | undefined;
  /** A promise was violated. */
  violated(what: string): void;
  /** A connection was closed because its token expired. */
  evicted(connection: TinyConnection): void;
}

/**
 * The part of a Redis that the life cycle of connections needs, on a Unix socket. It uses the clock of its process, so that
 * a spec can let hours pass. It closes a connection when its token expires, and reports violations by clients.
 */
export class TinyRedis {
  readonly #server: Server;
  readonly #owner: TinyRedisOwner;
  readonly #connections = new Map<string, TinyConnection>();

  private constructor(owner: TinyRedisOwner) {
    this.#owner = owner;
    this.#server = createServer((socket) => {
      new TinyConnection(socket, this.#owner, this.#connections);
    });
  }

  static async listen(path: string, owner: TinyRedisOwner): Promise<TinyRedis> {
    const redis = new TinyRedis(owner);
    redis.#server.listen(path);
    await once(redis.#server, 'listening');
    return redis;
  }

  /** The live connection of the client with this name. */
  connectionOf(name: string): TinyConnection | undefined {
    return this.#connections.get(name);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

/** A connection. */
export class TinyConnection {
  readonly #socket: Socket;
  readonly #owner: TinyRedisOwner;
  readonly #named: Map<string, TinyConnection>;
  #name = '';
  #login: KnownToken | undefined;
  #expiry: NodeJS.Timeout | undefined;
  /** The replies of the commands since MULTI. */
  #transaction: string[] | undefined;

  constructor(socket: Socket, owner: TinyRedisOwner, named: Map<string, TinyConnection>) {
    this.#socket = socket;
    this.#owner = owner;
    this.#named = named;
    socket.on('data', (bytes) => {
      this.#read(bytes);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(this.#expiry);
      if (named.get(this.#name) === this) named.delete(this.#name);
    });
  }

  /** The number of the token that it is logged in with. */
  get token(): number | undefined {
    return this.#login?.number;
  }

  get isInTransaction(): boolean {
    return this.#transaction !== undefined;
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Clients write small commands in one write: each arrives whole. */
  #read(bytes: Buffer): void {
    for (let position = 0; position < bytes.length;) {
      const { value, end } = decodeReply(bytes, position);
      position = end;
      if (!Array.isArray(value)) throw new Error('no command');
      const [name = '', ...args] = value.map(String);
      this.#socket.write(this.#answer(name.toLowerCase(), args));
    }
  }

  #answer(name: string, args: readonly string[]): string {
    if (name === 'hello') return this.#hello(args);
    if (name === 'auth') return this.#logIn(args[1] ?? '') ?? '+OK\r\n';
    if (!this.#login) return '-NOAUTH Authentication required.\r\n';
    if (name === 'multi') {
      this.#transaction = [];
      return '+OK\r\n';
    }
    if (name === 'discard' || name === 'exec') return this.#end(name);
    const reply = this.#run(name, args);
    if (!this.#transaction) return reply;
    this.#transaction.push(reply);
    return '+QUEUED\r\n';
  }

  #hello([protocol = '2', auth = '', , password = '']: readonly string[]): string {
    if (auth.toLowerCase() !== 'auth') return '-NOAUTH HELLO must be called with AUTH\r\n';
    const kind = protocol === '3' ? '%1' : '*2';
    return this.#logIn(password) ?? `${kind}\r\n$5\r\nproto\r\n:${protocol}\r\n`;
  }

  /** The reason for a rejection, if any. */
  #logIn(password: string): string | undefined {
    if (this.#transaction) this.#owner.violated('a login in a transaction');
    const token = this.#owner.token(password);
    if (!token || token.expiresOn <= Date.now()) {
      this.#owner.violated('a login with a dead token');
      return '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
    }
    this.#login = token;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => {
      this.#owner.evicted(this);
      this.drop();
    }, token.expiresOn - Date.now());
    return undefined;
  }

  #end(name: string): string {
    const replies = this.#transaction;
    this.#transaction = undefined;
    if (!replies) return `-ERR ${name.toUpperCase()} without MULTI\r\n`;
    return name === 'discard' ? '+OK\r\n' : `*${replies.length}\r\n${replies.join('')}`;
  }

  #run(name: string, args: readonly string[]): string {
    if (name === 'ping') return '+PONG\r\n';
    if (name === 'echo') return bulk(args[0] ?? '');
    if (name === 'info') return bulk('redis_version:7.4.0\r\nloading:0\r\n');
    if (name === 'client' && args[0]?.toLowerCase() === 'setname') this.#rename(args[1] ?? '');
    return '+OK\r\n';
  }

  #rename(name: string): void {
    this.#name = name;
    this.#named.set(name, this);
  }
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}
