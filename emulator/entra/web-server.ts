import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { KeyAndCertificate } from '../certificates.js';
import { listen, type ListenAddress } from '../listen.js';
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

/** The address of a server, the name by which clients reach it, and its certificate. */
export interface WebServerAddress extends ListenAddress {
  readonly hostname: string;
  /** With a certificate it serves HTTPS, without one HTTP. */
  readonly certificate?: KeyAndCertificate;
}

/** A web server. */
export class WebServer {
  readonly origin: string;
  readonly #server: Server;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.origin = origin;
  }

  static async listen(
    parts: WebServerParts,
    { hostname, certificate, ...address }: WebServerAddress,
  ): Promise<WebServer> {
    const server = certificate ? createHttpsServer(certificate) : createHttpServer();
    const port = await listen(server, address);
    const origin = `${certificate ? 'https' : 'http'}://${hostname}:${port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void serve(parts, originOf(request, origin), request, response);
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

/** The origin by which the client reaches the server: in a container, its port is not that on which the server listens. */
function originOf({ headers: { host } }: IncomingMessage, origin: string): string {
  const { protocol } = new URL(origin);
  return host !== undefined && URL.canParse(`${protocol}//${host}`)
    ? new URL(`${protocol}//${host}`).origin
    : origin;
}

async function serve(
  { answer, faults, log }: WebServerParts,
  origin: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Its close ends the response too: an aborted request has nobody to reply to.
  const { socket } = message;
  try {
    const read = await readRequest(message, origin);
    if ('refusal' in read) {
      send(response, read.refusal);
      return;
    }
    const { request } = read;
    const fault = await faults.meet();
    if (fault === 'silence') return;
    if (fault === 'disconnect') {
      socket.destroy();
      return;
    }
    const reply = fault ?? (await answer(request, origin));
    log.request(request, reply);
    send(response, reply);
  } catch (error) {
    if (socket.destroyed || isAbort(error)) socket.destroy();
    else send(response, { status: 500, body: { error: 'server_error', error_description: String(error) } });
  }
}

/** Whether the server stops while a reply is delayed. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
