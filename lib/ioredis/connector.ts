import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { connectTimeoutOf, internals, type Client, type ClientOptions } from './client.js';
import { destroyAfter } from './reconnect.js';
import { patchLoadedCopies } from './tracking.js';
import { requireModernProtocol, secureTransport } from './tls.js';
import type { CredentialsProvider } from '../credentials/credentials.js';

/** ioredis' own default, in ms. */
const DEFAULT_DISCONNECT_TIMEOUT = 2_000;

/**
 * ioredis' own default from version 6 on, in ms: how long a connection may be idle before TCP sends keep-alive probes. They
 * find a dead connection that awaits nothing, or a command that blocks without a limit, and prevent load balancers from
 * dropping idle connections, which those of Azure do after 4 minutes.
 */
const DEFAULT_KEEP_ALIVE = 30_000;

export type ConnectorClass = new (options: unknown) => AzureConnector;

/** Creates a connector class that waits for these credentials, and sends them only to the servers with these names. */
export function connectorFor(
  provider: CredentialsProvider,
  serverNames: ReadonlySet<string>,
): ConnectorClass {
  return class extends AzureConnector {
    constructor(options: unknown) {
      // ioredis types the options of a custom connector as unknown, and passes the client's.
      super(options as ClientOptions, provider, serverNames);
    }
  };
}

/**
 * Has the members of ioredis' AbstractConnector, but is no subclass: nothing of ioredis is used while this module is
 * evaluated, since a test may have replaced it by a mock.
 *
 * Opens sockets as ioredis' own connector does, once usable credentials are available, and only where a token cannot be
 * intercepted: verified TLS 1.2 or newer, a Unix socket, or plain TCP to a loopback address. The options are checked for each
 * connection, since a client's may differ from those that `configureForAzure()` returned.
 *
 * A failure is reported as an already closed socket, with `firstError` set: ioredis then retries as usual. `connect()`
 * rejects only for insecure options, which ends the client, and rejects its commands with the same error.
 */
export class AzureConnector {
  /** Read by ioredis when `connect()` returns a socket that is closed. */
  firstError: Error | undefined;
  /** Whether the last attempt to connect had no usable credentials. */
  isWaitingForToken = false;
  /** Whether its client is tracked, so that the copy of ioredis need not be searched for. */
  isClientTracked = false;
  readonly #options: ClientOptions;
  readonly #provider: CredentialsProvider;
  readonly #serverNames: ReadonlySet<string>;
  /** Whether the client wants a connection: it has not been disconnected since `connect()`. */
  #isConnecting = false;
  #stream: Socket | undefined;
  #waiting: AbortController | undefined;

  constructor(options: ClientOptions, provider: CredentialsProvider, serverNames: ReadonlySet<string>) {
    this.#options = options;
    this.#provider = provider;
    this.#serverNames = serverNames;
  }

  /** Whether the server may be used, by its INFO: ioredis calls it before the client is ready. */
  check(): boolean {
    return true;
  }

  async connect(): Promise<Socket> {
    if (!this.isClientTracked) patchLoadedCopies();
    const tls = secureTransport(this.#options, this.#serverNames);
    this.#isConnecting = true;
    this.#stream = undefined;
    // Not deleted, after which V8 would keep all fields of this object in a hash table.
    this.firstError = undefined;
    try {
      this.isWaitingForToken = true;
      await this.#credentialsUsable();
      this.isWaitingForToken = false;
      // As ioredis' own connector does. A client disconnected before opens no socket, which ioredis 5 would take for ready.
      await nextTick();
      if (!this.#wantsConnection()) return new Socket().destroy();
      return this.#open(tls);
    } catch (error) {
      if (this.#wantsConnection()) this.firstError = error as Error;
      return new Socket().destroy();
    }
  }

  /** Half-closes the connection, and destroys it if the server has not closed it within `disconnectTimeout`. */
  disconnect(): void {
    this.#isConnecting = false;
    this.#waiting?.abort();
    const stream = this.#stream;
    if (!stream || stream.destroyed) return;
    destroyAfter(this.#options.disconnectTimeout ?? DEFAULT_DISCONNECT_TIMEOUT, stream);
    stream.end();
  }

  /** A method, since the answer changes while `connect()` waits. */
  #wantsConnection(): boolean {
    return this.#isConnecting;
  }

  #open(tls: ConnectionOptions | undefined): Socket {
    const stream = openSocket(this.#options, tls);
    // A TLS socket may emit more errors after its first. ioredis no longer listens to them, and they would end the process.
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    // The default of ioredis 5 is 0, which leaves it to the operating system: two hours on Linux.
    const { keepAlive } = this.#options;
    if (typeof keepAlive === 'number') stream.setKeepAlive(true, keepAlive || DEFAULT_KEEP_ALIVE);
    this.#stream = stream;
    return stream;
  }

  async #credentialsUsable(): Promise<void> {
    if (this.#provider.isUsable) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    // This timer may keep the process alive, as the socket would that is opened afterwards.
    const timer = setTimeout(() => {
      waiting.abort();
    }, connectTimeoutOf(this.#options));
    try {
      await this.#provider.waitUntilUsable(waiting.signal);
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }
}

/** Whether a client waits for its next attempt to connect because the last one had no usable credentials. */
export function isWaitingForToken(client: Client): boolean {
  const { connector } = internals(client);
  return (
    client.status === 'reconnecting' && connector instanceof AzureConnector && connector.isWaitingForToken
  );
}

/**
 * Makes a client connect with this connector. ioredis creates a cluster's own subscriber from a few options only, without
 * the `Connector`. A connector that the user chose is left in place.
 */
export function useConnector(client: Client, Connector: ConnectorClass): void {
  const { options } = client;
  const inner = internals(client);
  if (!options.Connector && !(inner.connector instanceof AzureConnector)) {
    inner.connector = new Connector(options);
  }
  if (inner.connector instanceof AzureConnector) inner.connector.isClientTracked = true;
}

function openSocket(
  { host = 'localhost', port = 6379, family = 0, path }: ClientOptions,
  tls: ConnectionOptions | undefined,
): Socket {
  const address = path ? { path } : { host, port, family };
  if (!tls) return connectTcp(address);
  const socket = connectTls({ ...address, ...tls });
  // Before ioredis writes the login.
  socket.once('secureConnect', () => {
    requireModernProtocol(socket);
  });
  return socket;
}

function nextTick(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
