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
 * executes no commands still refuses those of others. Its commands are answered in one line each.
 */
export class ProbeConnection {
  readonly #connector: Connector;
  readonly #credentials: Credentials;
  readonly #event: 'secureConnect' | 'connect';
  #socket: Socket | undefined;
  #error: unknown;
  #received = '';
  #waiting: ((line: string) => void)[] = [];

  /** @param template A client of the server. */
  constructor(template: Client, credentials: Credentials) {
    const { connector } = internals(template);
    const ConnectorClass = connector.constructor as new (options: unknown) => Connector;
    this.#connector = new ConnectorClass(template.options);
    this.#credentials = credentials;
    this.#event = template.options.tls ? 'secureConnect' : 'connect';
  }

  /** Whether TCP cannot reach the server. A server that is merely slow accepts connections. */
  get isUnreachable(): boolean {
    const code: unknown = this.#error instanceof Error ? Reflect.get(this.#error, 'code') : undefined;
    return UNREACHABLE.test(String(code)) || this.#socket?.connecting === true;
  }

  /** Connects, logs in, and resolves once the server has answered a PING. */
  async open(): Promise<void> {
    try {
      const socket = await this.#connector.connect(() => undefined);
      if (socket.destroyed) throw this.#connector.firstError ?? new Error('The connection is closed.');
      this.#socket = socket;
      socket.on('error', (error) => {
        this.#error = error;
      });
      await once(socket, this.#event);
      socket.on('data', (chunk: Buffer) => {
        this.#receive(chunk.toString('latin1'));
      });
    } catch (error) {
      this.#error = error;
      throw error;
    }
    const { username, password } = this.#credentials;
    // That the server refuses the login is an answer, too.
    await Promise.all([this.#request('AUTH', username, password), this.ping()]);
  }

  /** Resolves once the server has answered; rejects if it does not serve commands. */
  async ping(): Promise<void> {
    const reply = await this.#request('PING');
    if (NOT_SERVING.test(reply)) throw new Error(reply);
  }

  close(): void {
    this.#connector.disconnect();
    this.#socket?.destroy();
  }

  #request(...args: string[]): Promise<string> {
    const bulks = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket?.write(`*${args.length}\r\n${bulks.join('')}`);
    });
  }

  #receive(text: string): void {
    const lines = (this.#received + text).split('\r\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) this.#waiting.shift()?.(line);
  }
}
