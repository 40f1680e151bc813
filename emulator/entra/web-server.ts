import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { KeyAndCertificate } from '../certificates.js';
import type { Faults } from './faults.js';
import { type EntraRequest, readRequest, type Reply, send } from './http.js';
import type { RequestLog } from './request-log.js';

export type Answer = (request: EntraRequest, origin: string) => Promise<Reply>;

/** Handles the requests of a server. */
export interface WebServerParts {
  readonly answer: Answer;
  readonly faults: Faults;
  readonly log: RequestLog;
}

/** A web server on a free port of the loopback interface. */
export class WebServer {
  readonly origin: string;
  readonly #server: Server;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.origin = origin;
  }

  /** Listens with HTTPS if a certificate is given, otherwise with HTTP. */
  static async listen(parts: WebServerParts, certificate?: KeyAndCertificate): Promise<WebServer> {
    const server = certificate ? createHttpsServer(certificate) : createHttpServer();
    const port = await listen(server);
    const origin = certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void serve(parts, origin, request, response);
    });
    return new WebServer(server, origin);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }
}

async function serve(
  { answer, faults, log }: WebServerParts,
  origin: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const request = await readRequest(message, origin);
    const fault = await faults.meet();
    if (fault === 'silence') return;
    if (fault === 'disconnect') {
      message.socket.destroy();
      return;
    }
    const reply = fault ?? (await answer(request, origin));
    log.request(request, reply);
    send(response, reply);
  } catch {
    // The request was aborted, or the server stops: no reply can be sent.
    message.socket.destroy();
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });
}
