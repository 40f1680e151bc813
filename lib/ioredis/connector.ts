import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { internals, type Client, type ClientOptions } from './client.js';
import { patchCallingCopy } from './tracking.js';
import { isLoopback, plainTcpError, secureTlsOptions } from './transport-security.js';
import type { CredentialsProvider } from '../credentials/credentials.js';

/** ioredis' own default, in ms. It also limits the wait for a token where `connectTimeout` is off. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** ioredis' own default, in ms. */
const DEFAULT_DISCONNECT_TIMEOUT = 2_000;

/** The kind of class that ioredis takes as the option `Connector`. */
export type ConnectorClass = new (options: unknown) => AzureConnector;

/** Binds the connector to the credentials that it waits for. */
export function connectorFor(provider: CredentialsProvider): ConnectorClass {
  return class extends AzureConnector {
    constructor(options: unknown) {
      // ioredis types the options of a custom connector as unknown, and passes the client's.
      super(options as ClientOptions, provider);
    }
  };
}

/**
 * Opens sockets as ioredis' own connector does, once there are credentials with life left, and only where a token cannot
 * be read on the way: verified TLS 1.2 or newer, a Unix socket, or plain TCP to a loopback address. The options are
 * judged at each connection, since a client's may differ from those that `configureForAzure()` returned.
 *
 * A failure is reported as a socket that is closed already, with `firstError` set: ioredis then retries as usual, whereas
 * a connector that rejects ends the client for good.
 */
export class AzureConnector extends AbstractConnector {
  readonly #options: ClientOptions;
  readonly #provider: CredentialsProvider;
  #waiting: AbortController | undefined;
  #isWaitingForToken = false;
  #isClientTracked = false;

  constructor(options: ClientOptions, provider: CredentialsProvider) {
    super(options.disconnectTimeout ?? DEFAULT_DISCONNECT_TIMEOUT);
    this.#options = options;
    this.#provider = provider;
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
    this.connecting = true;
    delete this.firstError;
    this.#forgetStream();
    try {
      this.#isWaitingForToken = true;
      await this.#credentialsUsable();
      this.#isWaitingForToken = false;
      if (this.#isAbandoned) return closedSocket();
      return this.#open(secureTransport(this.#options));
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
 * the `Connector`. A connector that the user chose, or sentinels, are left in place.
 */
export function useConnector(client: Client, Connector: ConnectorClass): void {
  const { options } = client;
  const inner = internals(client);
  if (!options.Connector && !options.sentinels && !(inner.connector instanceof AzureConnector)) {
    inner.connector = new Connector(options);
  }
  if (inner.connector instanceof AzureConnector) inner.connector.clientIsTracked();
}

/** The TLS options of a connection; `undefined` where TLS is not needed. */
function secureTransport({ tls, path, host = 'localhost' }: ClientOptions): ConnectionOptions | undefined {
  if (tls) return secureTlsOptions(tls, path ? undefined : host);
  if (path || isLoopback(host)) return undefined;
  throw plainTcpError(host);
}

function openSocket(
  { host = 'localhost', port = 6379, family = 0, path }: ClientOptions,
  tls: ConnectionOptions | undefined,
): Socket {
  const address = path ? { path } : { host, port, family };
  return tls ? connectTls({ ...address, ...tls }) : connectTcp(address);
}

function closedSocket(): Socket {
  return new Socket().destroy();
}
