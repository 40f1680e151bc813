import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import type { KeyAndCertificate } from './certificates.js';
import type { ConnectionListener, ConnectionRules, OpenConnection } from './connection.js';
import { ClientConnection } from './connection.js';
import { listen, portOf } from './listen.js';
import type { ListenAddress } from './listen.js';

/** The dependencies of an endpoint. */
export interface EndpointParts {
  readonly certificate: KeyAndCertificate;
  readonly rules: ConnectionRules;
  /** Opens a connection to the server behind the endpoint. */
  readonly connectServer: () => Socket;
  /** Accepts connections in front of the TLS server and passes on those that speak TLS. */
  readonly door?: (tls: TlsServer) => Door;
}

/** Accepts the connections of an endpoint. */
export interface Door {
  readonly server: Server;
  /** Closes the connections that it did not pass on. */
  closeConnections(): void;
}

/** Callbacks of an endpoint; it also numbers new connections. */
export interface EndpointListener extends ConnectionListener {
  opened(): number;
}

/** A TLS endpoint in front of one redis-server. */
export class Endpoint {
  readonly #server: Server;
  readonly #door: Door | undefined;
  readonly #parts: EndpointParts;
  readonly #listener: EndpointListener;
  /** Includes those whose handshake is in progress. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<ClientConnection>();

  private constructor(parts: EndpointParts, listener: EndpointListener) {
    this.#parts = parts;
    this.#listener = listener;
    const tls = createServer({
      ...parts.certificate,
      minVersion: 'TLSv1.2',
      allowHalfOpen: true,
      noDelay: true,
    });
    tls.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    tls.on('secureConnection', (socket) => {
      this.#accept(socket);
    });
    this.#door = parts.door?.(tls);
    this.#server = this.#door?.server ?? tls;
  }

  static async listen(
    parts: EndpointParts,
    listener: EndpointListener,
    address: ListenAddress,
  ): Promise<Endpoint> {
    const endpoint = new Endpoint(parts, listener);
    await listen(endpoint.#server, address);
    return endpoint;
  }

  get port(): number {
    return portOf(this.#server);
  }

  /** The connections that are open. */
  get open(): OpenConnection[] {
    return [...this.#connections].filter(({ closed }) => !closed).map(({ state }) => state);
  }

  /** Closes every connection immediately. Returns the number of connections. */
  drop(): number {
    const sockets = [...this.#sockets].filter(({ destroyed }) => !destroyed);
    for (const connection of this.#connections) connection.destroy();
    for (const socket of sockets) socket.destroy();
    return sockets.length;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.drop();
    this.#door?.closeConnections();
    await closed;
  }

  #accept(socket: TLSSocket): void {
    const { rules, connectServer } = this.#parts;
    const id = this.#listener.opened();
    const connection = new ClientConnection(id, socket, connectServer(), rules, this.#listener);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }
}
