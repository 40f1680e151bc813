import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { UsageError } from './command-line.js';

export interface HttpServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** How long requests in flight may take once the server closes, in ms; then their connections are cut. Default: 10000. */
  readonly closeTimeout?: number;
}

/** An HTTP server with the timeouts of a service, which answers what is in flight before it closes. */
export class HttpServer {
  readonly #server: Server;
  readonly #closeTimeout: number;
  readonly #inFlight = new Set<ServerResponse>();
  #closed: Promise<void> | undefined;

  private constructor(handler: RequestListener, closeTimeout: number) {
    this.#closeTimeout = closeTimeout;
    this.#server = createServer({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // Longer than a load balancer keeps an idle connection: it would send a request as the connection is closed.
      keepAliveTimeout: 65_000,
    });
    this.#server.on('request', (_request, response: ServerResponse) => {
      this.#track(response);
    });
    this.#server.on('request', handler);
  }

  /**
   * Resolves when the server accepts connections.
   *
   * @throws UsageError if the port cannot be used.
   */
  static async listen(
    handler: RequestListener,
    { port, closeTimeout = 10_000 }: HttpServerOptions,
  ): Promise<HttpServer> {
    const server = new HttpServer(handler, closeTimeout);
    server.#server.listen(port);
    try {
      await once(server.#server, 'listening');
    } catch (error) {
      throw new UsageError(`${error instanceof Error ? error.message : String(error)}.`);
    }
    return server;
  }

  /** Where a browser on this machine reaches it. */
  get url(): string {
    const address = this.#server.address();
    return `http://localhost:${typeof address === 'object' && address !== null ? address.port : ''}`;
  }

  /** Accepts no more connections, and resolves when all requests in flight have been answered. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const response of this.#inFlight) announceClose(response);
    const deadline = setTimeout(() => {
      this.#server.closeAllConnections();
    }, this.#closeTimeout);
    await closed;
    clearTimeout(deadline);
  }

  #track(response: ServerResponse): void {
    this.#inFlight.add(response);
    if (this.#closed) announceClose(response);
    response.once('close', () => {
      this.#inFlight.delete(response);
      // A response whose headers were sent before announces nothing, and would keep its connection open.
      if (this.#closed) this.#server.closeIdleConnections();
    });
  }
}

function announceClose(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
