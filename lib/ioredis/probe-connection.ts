import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Credentials } from '../credentials/credentials.js';
import { internals, type Client } from './client.js';

/** What this package uses of a connector of ioredis, also of one that the user has chosen. */
interface Connector {
  connect(emit: () => void): Promise<Socket>;
  disconnect(): void;
  readonly firstError?: Error | undefined;
}

/** Replies of a server that runs but does not execute commands: it is busy with a script, or loads its data. */
const NOT_SERVING = /^-(?:BUSY|LOADING)\b/;

/** The errors of a connection that TCP could not establish. */
const UNREACHABLE = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ETIMEDOUT|ENOTFOUND)$/;

/**
 * A second connection to the server of a client, which finds out whether the server answers. It logs in, since a server that
 * executes no commands still refuses those of others. Each of its commands is answered in one line.
 */
export class ProbeConnection {
  readonly #template: Client;
  readonly #credentials: Credentials;
  #connector: Connector | undefined;
  #socket: Socket | undefined;
  #error: unknown;

  /** @param template A client of the server. */
  constructor(template: Client, credentials: Credentials) {
    this.#template = template;
    this.#credentials = credentials;
  }

  /** Whether TCP cannot reach the server. A server that is merely slow accepts connections. */
  get isUnreachable(): boolean {
    const code: unknown = this.#error instanceof Error ? Reflect.get(this.#error, 'code') : undefined;
    return UNREACHABLE.test(String(code)) || this.#socket?.connecting === true;
  }

  /** Whether the server has answered, and serves commands. Pending while it does not answer; never rejects. */
  async ping(): Promise<boolean> {
    try {
      this.#socket ??= await this.#open();
      return !NOT_SERVING.test(await request(this.#socket, 'PING'));
    } catch (error) {
      this.#error = error;
      return false;
    }
  }

  close(): void {
    this.#connector?.disconnect();
    this.#socket?.destroy();
  }

  async #open(): Promise<Socket> {
    const { connector } = internals(this.#template);
    const { options } = this.#template;
    const ConnectorClass = connector.constructor as new (options: unknown) => Connector;
    this.#connector = new ConnectorClass(options);
    const socket = await this.#connector.connect(() => undefined);
    this.#socket = socket;
    if (socket.destroyed) throw this.#connector.firstError ?? new Error('The connection is closed.');
    socket.on('error', (error) => {
      this.#error = error;
    });
    // A connector of the user may return one that is open.
    if (socket.connecting) await once(socket, options.tls ? 'secureConnect' : 'connect');
    const { username, password } = this.#credentials;
    // That the server refuses the login is an answer, too.
    await request(socket, 'AUTH', username, password);
    return socket;
  }
}

/** Sends a command, and resolves to its reply. */
async function request(socket: Socket, ...args: string[]): Promise<string> {
  const bulks = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
  socket.write(`*${args.length}\r\n${bulks.join('')}`);
  let reply = '';
  while (!reply.endsWith('\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    reply += chunk.toString('latin1');
  }
  return reply;
}
