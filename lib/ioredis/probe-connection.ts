import { internals, type Client } from './client.js';

/** The errors of a connection that TCP could not establish. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'ENOTFOUND',
]);

/** Replies of a server that runs but does not execute commands: it is busy with a script, or loads its data. */
const NOT_SERVING = /^(?:BUSY|LOADING)\b/;

/** The options in which a probe differs from its template. */
const PROBE_OPTIONS = {
  lazyConnect: true,
  connectionName: 'ioredis-azure(probe)',
  monitor: false,
  readOnly: false,
  db: 0,
  keyPrefix: '',
  enableReadyCheck: false,
  disableClientInfo: true,
  enableAutoPipelining: false,
  retryStrategy: null,
  reconnectOnError: null,
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
  himportFieldsets: undefined,
};

const probes = new WeakSet<Client>();

/** Whether the client belongs to a {@link ProbeConnection}, not to the application. */
export function isProbe(client: Client): boolean {
  return probes.has(client);
}

/** A second connection to the server of a client, with the same login, which finds out whether the server answers. */
export class ProbeConnection {
  readonly #client: Client;
  #error: unknown;

  /** @param template A client of the server. */
  constructor(template: Client) {
    this.#client = template.duplicate(PROBE_OPTIONS);
    probes.add(this.#client);
    // ioredis prints errors that have no listener.
    this.#client.on('error', (error) => {
      this.#error = error;
    });
  }

  /** Whether TCP cannot reach the server. A server that is merely slow accepts connections. */
  get isUnreachable(): boolean {
    const code: unknown = this.#error instanceof Error ? Reflect.get(this.#error, 'code') : undefined;
    return UNREACHABLE.has(String(code)) || internals(this.#client).stream?.connecting === true;
  }

  /** Connects, logs in, and resolves once the server has answered a PING. */
  async open(): Promise<void> {
    await this.#client.connect();
    await this.ping();
  }

  /** Resolves once the server has answered; rejects if it does not serve commands. */
  async ping(): Promise<void> {
    try {
      await this.#client.ping();
    } catch (error) {
      const isReply = error instanceof Error && error.name === 'ReplyError';
      // That the role does not permit PING is an answer, too.
      if (!isReply || NOT_SERVING.test(error.message)) throw error;
    }
  }

  close(): void {
    this.#client.disconnect();
    internals(this.#client).stream?.destroy();
  }
}
