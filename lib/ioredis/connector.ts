import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { isLoopback } from './loopback.js';
import { AzureRedisError } from '../errors.js';
import { patchLoadedCopies } from './tracking.js';
import { internals, type Client, type ClientOptions } from './client.js';
import type { CredentialsProvider } from '../credentials/credentials.js';

/** ioredis' own default, for a `connectTimeout` that is off: a connection never waits for a token for ever. */
const DEFAULT_CONNECT_TIMEOUT = 10_000;

/** ioredis' own default. */
const DEFAULT_DISCONNECT_TIMEOUT = 2_000;

/** What ioredis makes of the option `Connector`. */
export type ConnectorClass = new (options: unknown) => AzureConnector;

/** Binds the connector to the logins it waits for. */
export function connectorFor(logins: CredentialsProvider): ConnectorClass {
  return class extends AzureConnector {
    constructor(options: unknown) {
      // ioredis types the options of a custom connector as unknown, and passes the client's.
      super(options as ClientOptions, logins);
      // The client that this connector is made for may be of another copy of ioredis. It has not connected yet.
      patchLoadedCopies();
    }
  };
}

/**
 * Opens sockets as ioredis' own connector does, once there is a login with life left, and never where a token could
 * be read on the way.
 *
 * What stands in the way is given to ioredis as a socket that is closed already, with `firstError` set: that takes
 * ioredis' ordinary way of retrying, whereas a connector that rejects ends the client for good.
 */
export class AzureConnector extends AbstractConnector {
  readonly #options: ClientOptions;
  readonly #logins: CredentialsProvider;
  #waiting: AbortController | undefined;
  #lacksLogin = false;

  constructor(options: ClientOptions, logins: CredentialsProvider) {
    super(options.disconnectTimeout ?? DEFAULT_DISCONNECT_TIMEOUT);
    this.#options = options;
    this.#logins = logins;
  }

  /** Whether there was no login for the last attempt to connect. */
  get isWaitingForToken(): boolean {
    return this.#lacksLogin;
  }

  override async connect(): Promise<Socket> {
    this.connecting = true;
    delete this.firstError;
    try {
      requireSafeTransport(this.#options);
      this.#lacksLogin = true;
      await this.#loginReady();
      this.#lacksLogin = false;
    } catch (error) {
      if (!this.#isAbandoned) this.firstError = error as Error;
      return closedSocket();
    }
    if (this.#isAbandoned) return closedSocket();

    const stream = openSocket(this.#options);
    // A TLS socket may emit more errors after its first, which ioredis no longer listens to: they would end the process.
    stream.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = stream;
    return stream;
  }

  override disconnect(): void {
    this.#waiting?.abort();
    super.disconnect();
  }

  /** Whether the client was disconnected while it waited. */
  get #isAbandoned(): boolean {
    return !this.connecting;
  }

  async #loginReady(): Promise<void> {
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
      await this.#logins.waitUntilUsable(waiting.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether a client waits for its next attempt to connect because there was no login for the last one. */
export function isWaitingForToken(client: Client): boolean {
  const { connector } = internals(client);
  return (
    client.status === 'reconnecting' && connector instanceof AzureConnector && connector.isWaitingForToken
  );
}

function requireSafeTransport({ tls, path, host = 'localhost' }: ClientOptions): void {
  if (tls || path || isLoopback(host)) return;
  throw new AzureRedisError(
    'INSECURE_CONNECTION',
    `A login to ${host} over plain TCP would show the token to everybody on the way.`,
    'Keep the `tls` option that configureForAzure() returned.',
  );
}

function openSocket({ host = 'localhost', port = 6379, family = 0, path, tls }: ClientOptions): Socket {
  const address = path ? { path } : { host, port, family };
  return tls ? connectTls({ ...address, ...tls }) : connectTcp(address);
}

function closedSocket(): Socket {
  return new Socket().destroy();
}
