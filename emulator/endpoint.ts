import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import type { KeyAndCertificate } from './certificates.js';
import type { ConnectionListener, ConnectionRules, OpenConnection } from './connection.js';
import { ClientConnection } from './connection.js';

/** What an endpoint works with. */
export interface EndpointParts {
  readonly certificate: KeyAndCertificate;
  readonly rules: ConnectionRules;
  /** Opens a connection to the server behind the endpoint. */
  readonly connectServer: () => Socket;
  /** What takes connections in the place of the TLS server, and hands on to it those that are for it. */
  readonly door?: (tls: TlsServer) => Door;
}

/** What takes an endpoint's connections. */
export interface Door {
  readonly server: Server;
  /** Closes the connections that it did not hand on. */
  closeConnections(): void;
}

/** What an endpoint tells; it also says which number a new connection gets. */
export interface EndpointListener extends ConnectionListener {
  opened(): number;
}

/** A TLS endpoint before one redis-server, on a port of 127.0.0.1 that the system chose. */
export class Endpoint {
  readonly #server: Server;
  readonly #door: Door | undefined;
  readonly #parts: EndpointParts;
  readonly #listener: EndpointListener;
  /** Also those whose handshake is still under way. */
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

  static async listen(parts: EndpointParts, listener: EndpointListener): Promise<Endpoint> {
    const endpoint = new Endpoint(parts, listener);
    endpoint.#server.listen(0, '127.0.0.1');
    await once(endpoint.#server, 'listening');
    return endpoint;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The connections that are open. */
  get open(): OpenConnection[] {
    return [...this.#connections].filter(({ closed }) => !closed).map(({ state }) => state);
  }

  /** Closes every connection on the spot, and says how many these were. */
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
