import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Door } from '../endpoint.js';
import { encodeCommand } from '../resp/encode.js';

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

/** What a replica says first. The server lets it do nothing more until it has logged in with a password of the servers. */
const PING = encodeCommand(['PING']);

/**
 * The door of a node's endpoint. The nodes of a cluster reach each other, for replication and for MIGRATE, where they
 * are announced to clients, but do not speak TLS: they are let through to the server. Whoever else speaks without TLS
 * is shut out, as on Azure.
 */
export class TlsGate implements Door {
  readonly server: Server;
  readonly #sockets = new Set<Socket>();

  /**
   * @param password What the servers log in to each other with, as the user `default`.
   * @param connectServer Opens a connection to the server behind the endpoint.
   */
  constructor(tls: TlsServer, password: string, connectServer: () => Socket) {
    const ofNodes = [PING, encodeCommand(['AUTH', 'default', password])];
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      // The close that follows says all there is to say.
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
