import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { internals, type Client, type ClientOptions } from './client.js';
import { patchCallingCopy } from './tracking.js';
import {
  isLoopback,
  plainTcpError,
  requireModernProtocol,
  secureContextFor,
  secureTlsOptions,
  tlsOptionsFor,
} from './transport-security.js';
import type { CredentialsProvider } from '../credentials/credentials.js';

/** ioredis' own default, in ms. It also limits the wait for a token where `connectTimeout` is off. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** ioredis' own default, in ms. */
const DEFAULT_DISCONNECT_TIMEOUT = 2_000;

/**
 * ioredis' own default from version 6 on, in ms: how long a connection may be idle before TCP asks whether the other end is
 * there. It finds a dead connection that awaits nothing, or a command that blocks for ever, and keeps load balancers, which
 * forget idle connections after 4 minutes, from doing so.
 */
const DEFAULT_KEEP_ALIVE = 30_000;

/** The kind of class that ioredis takes as the option `Connector`. */
export type ConnectorClass = new (options: unknown) => AzureConnector;

/** Binds the connector to the credentials that it waits for, and to the names of the servers that it may send them to. */
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
 * Opens sockets as ioredis' own connector does, once there are credentials with life left, and only where a token cannot
 * be read on the way: verified TLS 1.2 or newer, a Unix socket, or plain TCP to a loopback address. The options are
 * judged at each connection, since a client's may differ from those that `configureForAzure()` returned.
 *
 * A failure is reported as a socket that is closed already, with `firstError` set: ioredis then retries as usual. Only for
 * options that are not secure it rejects, which ends the client, and rejects its commands with the same error.
 */
export class AzureConnector extends AbstractConnector {
  readonly #options: ClientOptions;
  readonly #provider: CredentialsProvider;
  readonly #serverNames: ReadonlySet<string>;
  #waiting: AbortController | undefined;
  #isWaitingForToken = false;
  #isClientTracked = false;

  constructor(options: ClientOptions, provider: CredentialsProvider, serverNames: ReadonlySet<string>) {
    super(options.disconnectTimeout ?? DEFAULT_DISCONNECT_TIMEOUT);
    this.#options = options;
    this.#provider = provider;
    this.#serverNames = serverNames;
  }

  /** Whether the last attempt to connect had no usable credentials. */
  get isWaitingForToken(): boolean {
    return this.#isWaitingForToken;
  }

  /** The client of this connector is tracked, so that its copy of ioredis need not be looked for. */
  clientIsTracked(): void {
    this.#isClientTracked = true;
  }

  override async connect(): Promise<Socket> {
    if (!this.#isClientTracked) patchCallingCopy();
    const tls = secureTransport(this.#options, this.#serverNames);
    this.connecting = true;
    delete this.firstError;
    this.#forgetStream();
    try {
      this.#isWaitingForToken = true;
      await this.#credentialsUsable();
      this.#isWaitingForToken = false;
      if (this.#isAbandoned) return closedSocket();
      return this.#open(tls);
    } catch (error) {
      if (!this.#isAbandoned) this.firstError = error as Error;
      return closedSocket();
    }
  }

  override disconnect(): void {
    this.#waiting?.abort();
    if (this.#stream?.destroyed) this.#forgetStream();
    super.disconnect();
  }

  /** Whether the client was disconnected while it waited. */
  get #isAbandoned(): boolean {
    return !this.connecting;
  }

  /** ioredis' type does not say that there is none before the first connection. */
  get #stream(): { readonly destroyed?: boolean } | undefined {
    return this.stream;
  }

  #open(tls: ConnectionOptions | undefined): Socket {
    const stream = openSocket(this.#options, tls);
    // A TLS socket may emit more errors after its first, which ioredis no longer listens to: they would end the process.
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    // ioredis 5 sets none by default, which leaves it to the system: two hours on Linux.
    const { keepAlive } = this.#options;
    if (typeof keepAlive === 'number') stream.setKeepAlive(true, keepAlive || DEFAULT_KEEP_ALIVE);
    this.stream = stream;
    return stream;
  }

  /** ioredis would wait for a 'close' that the last connection has emitted already, and keep the process alive meanwhile. */
  #forgetStream(): void {
    Reflect.deleteProperty(this, 'stream');
  }

  async #credentialsUsable(): Promise<void> {
    if (this.#provider.isUsable) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { connectTimeout = 0 } = this.#options;
    // This timer may keep the process alive, as the socket that it stands for would.
    const timer = setTimeout(
      () => {
        waiting.abort();
      },
      connectTimeout > 0 ? connectTimeout : DEFAULT_CONNECT_TIMEOUT,
    );
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
 * Makes a client connect with this connector. ioredis builds a cluster's own subscriber from a few options only, without
 * the `Connector`. A connector that the user chose is left in place, and that of sentinels too, with secure options.
 */
export function useConnector(client: Client, Connector: ConnectorClass): void {
  const { options } = client;
  const inner = internals(client);
  if (!options.Connector && !(inner.connector instanceof AzureConnector)) {
    inner.connector = secureSentinels(options, inner.connector) ?? new Connector(options);
  }
  if (inner.connector instanceof AzureConnector) inner.connector.clientIsTracked();
}

/** The same connector to the servers that sentinels name, with secure options; `undefined` if the options rule that out. */
function secureSentinels(options: ClientOptions, { constructor }: object): object | undefined {
  if (!options.sentinels) return undefined;
  try {
    const tls = secureTransport(options, new Set());
    const SentinelConnector = constructor as new (options: ClientOptions) => object;
    return new SentinelConnector({ ...options, tls });
  } catch {
    // Our connector reports the error when it is to connect.
    return undefined;
  }
}

/** The TLS options of a connection; `undefined` where TLS is not needed. */
function secureTransport(
  { tls, path, host = 'localhost', sentinels, enableTLSForSentinelMode }: ClientOptions,
  serverNames: ReadonlySet<string>,
): ConnectionOptions | undefined {
  if (sentinels) {
    if (tls && enableTLSForSentinelMode) return secureTlsOptions(tls);
    throw plainTcpError('the server that the sentinels name');
  }
  if (path) return tls && secureTlsOptions(tls);
  if (tls) return tlsOptionsFor(tls, host, serverNames);
  if (isLoopback(host)) return undefined;
  throw plainTcpError(host);
}

function openSocket(
  { host = 'localhost', port = 6379, family = 0, path, tls: given }: ClientOptions,
  tls: ConnectionOptions | undefined,
): Socket {
  const address = path ? { path } : { host, port, family };
  if (!tls || !given) return connectTcp(address);
  const socket = connectTls({ ...address, ...tls, secureContext: secureContextFor(given, tls) });
  // Before ioredis writes the login.
  socket.once('secureConnect', () => {
    requireModernProtocol(socket);
  });
  return socket;
}

function closedSocket(): Socket {
  return new Socket().destroy();
}
