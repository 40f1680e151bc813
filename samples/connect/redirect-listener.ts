import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Back to the program</title>
  <link rel="icon" href="data:,">
  <style>
    body { font: 16px/1.5 system-ui, sans-serif; background: #f2f2f2; color: #1b1b1b; margin: 0; }
    main { background: #fff; max-width: 24rem; margin: 12vh auto; padding: 2.5rem; box-shadow: 0 2px 6px #0003; }
    h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 1rem; }
  </style>
</head>
<body><main><h1>Thank you</h1><p>The program goes on where you started it. You can close this page.</p></main></body>
</html>
`;

/** Listens on this machine for the browser that comes back from the sign-in page. */
export class RedirectListener {
  /** Where the sign-in page sends the browser. */
  readonly uri: string;
  /** The address with which the browser came. */
  readonly received: Promise<string>;
  readonly #server: Server;

  private constructor(server: Server, uri: string) {
    this.#server = server;
    this.uri = uri;
    this.received = new Promise((resolve) => {
      server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const url = new URL(request.url ?? '/', uri);
        const isAnswer =
          request.method === 'GET' && url.pathname === new URL(uri).pathname && url.searchParams.has('state');
        response.writeHead(isAnswer ? 200 : 404, {
          'Content-Type': 'text/html; charset=utf-8',
          Connection: 'close',
        });
        response.end(isAnswer ? PAGE : undefined, () => {
          if (isAnswer) resolve(url.href);
        });
      });
    });
  }

  static async start(path: string): Promise<RedirectListener> {
    const server = createServer();
    // Nobody but this machine can reach it; Entra lets native applications choose the port of localhost.
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new RedirectListener(server, `http://localhost:${address.port}${path}`);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
