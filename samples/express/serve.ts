import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { aborted } from './start.js';

/** How long the requests in flight may take once the server closes, in ms. */
const CLOSE_TIMEOUT = 10_000;

/**
 * Serves requests until the signal aborts, and then answers those in flight. The file is the same in all samples that have it.
 *
 * @param port 0 for any free one.
 * @param listening Called with the address at which a browser on this machine reaches the server.
 */
export async function serve(
  handler: RequestListener,
  { port, stopping }: { readonly port: number; readonly stopping: AbortSignal },
  listening: (url: string) => void,
): Promise<void> {
  const inFlight = new Set<ServerResponse>();
  // Longer than a load balancer keeps an idle connection: it would send a request as the connection is closed.
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 30_000, headersTimeout: 10_000 });
  server.on('request', (_request, response: ServerResponse) => {
    inFlight.add(response);
    // Tells the client: `Connection: close`.
    response.shouldKeepAlive &&= !stopping.aborted;
    response.once('close', () => {
      inFlight.delete(response);
      if (stopping.aborted) server.closeIdleConnections();
    });
  });
  server.on('request', handler);
  server.listen(port);
  await once(server, 'listening').catch((error: unknown) => {
    throw new UsageError(String(error));
  });
  const address = server.address();
  listening(`http://localhost:${typeof address === 'object' && address ? address.port : port}`);

  await aborted(stopping);
  const closed = once(server, 'close');
  server.close();
  for (const response of inFlight) response.shouldKeepAlive = false;
  const deadline = setTimeout(() => {
    server.closeAllConnections();
  }, CLOSE_TIMEOUT);
  await closed;
  clearTimeout(deadline);
}
