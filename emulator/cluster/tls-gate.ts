import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Door } from '../endpoint.js';
import { encodeCommand } from '../resp/encode.js';

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

/** The first bytes of a replica. The server accepts nothing more until it has logged in with the servers' password. */
const PING = encodeCommand(['PING']);

/**
 * Accepts the connections of a node's endpoint. The nodes of a cluster connect to each other, for replication and MIGRATE,
 * at the addresses announced to clients, but without TLS: they are passed through to the server. All other connections
 * without TLS are closed, as on Azure.
 */
export class TlsGate implements Door {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  /**
   * @param password The password with which the servers log in to each other, as the user `default`.
   * @param connectServer Opens a connection to the server behind the endpoint.
   */
  constructor(tls: TlsServer, password: string, connectServer: () => Socket) {
    const ofNodes = [PING, encodeCommand(['AUTH', 'default', password])];
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      // 'close' follows and is handled there.
      const ignore = (): void => undefined;
      socket.on('error', ignore);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.once('end', () => {
        if (this.#sockets.has(socket)) socket.end();
      });
      socket.once('data', (first: Buffer) => {
        socket.pause();
        if (first[0] === HANDSHAKE) {
          this.#sockets.delete(socket);
          socket.off('error', ignore);
          socket.unshift(first);
          tls.emit('connection', socket);
        } else if (ofNodes.some((greeting) => first.subarray(0, greeting.length).equals(greeting))) {
          socket.unshift(first);
          connect(socket, connectServer());
        } else {
          socket.destroy();
        }
      });
    });
  }

  closeConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function connect(node: Socket, server: Socket): void {
  server.on('error', () => undefined);
  node.once('close', () => server.destroy());
  server.once('close', () => node.destroy());
  node.pipe(server);
  server.pipe(node);
}
