import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';

/** How long the requests in flight may take once the server closes, in ms. */
const CLOSE_TIMEOUT = 10_000;

export interface ServeOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly stopping: AbortSignal;
  /** Called with the address at which a browser on this machine reaches the server. */
  readonly listening: (url: string) => void;
}

/** Serves requests until `stopping` aborts, then answers those in flight. The same file in each sample that has it. */
export async function serve(
  handler: RequestListener,
  { port, stopping, listening }: ServeOptions,
): Promise<void> {
  const inFlight = new Set<ServerResponse>();
  // Idle connections live for longer than a load balancer keeps them: it would use one that is just being closed.
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 30_000, headersTimeout: 10_000 });
  server.on('request', (_request, response: ServerResponse) => {
    inFlight.add(response);
    response.shouldKeepAlive &&= !stopping.aborted;
    response.once('close', () => {
      inFlight.delete(response);
      if (stopping.aborted) server.closeIdleConnections();
    });
  });
  server.on('request', handler);
  server.listen(port);
  await once(server, 'listening');
  const address = server.address();
  listening(`http://localhost:${typeof address === 'object' && address ? address.port : port}`);

  if (!stopping.aborted) await once(stopping, 'abort');
  const closed = once(server, 'close');
  server.close();
  // Sends `Connection: close`.
  for (const response of inFlight) response.shouldKeepAlive = false;
  const deadline = setTimeout(() => {
    server.closeAllConnections();
  }, CLOSE_TIMEOUT);
  await closed;
  clearTimeout(deadline);
}
