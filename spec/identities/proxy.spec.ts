import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { EntraEmulator } from '../../emulator/entra/index.js';
import { IdentityProcess } from './support/identity-process.js';

describe('proxy settings in the environment', () => {
  // To start a process takes a while on a busy machine.

  let entra: EntraEmulator;
  let proxy: CountingProxy;

  before(async () => {
    entra = await EntraEmulator.start();
    proxy = await CountingProxy.start();
  });
  after(async () => {
    await proxy.stop();
    await entra.stop();
  });
  beforeEach(() => {
    proxy.requests.length = 0;
  });

  it('apply to requests to Entra', async () => {
    const application = entra.addApplication();
    const identity = new IdentityProcess({
      identity: {
        kind: 'servicePrincipal',
        option: {
          tenantId: entra.tenantId,
          clientId: application.clientId,
          clientSecret: application.addSecret(),
        },
      },
      environment: {
        AZURE_AUTHORITY_HOST: entra.authorityHost,
        NODE_EXTRA_CA_CERTS: entra.caFile,
        HTTPS_PROXY: proxy.url,
      },
    });
    try {
      await identity.token();
      const { host } = new URL(entra.authorityHost);
      expect(proxy.requests).to.deep.equal([`CONNECT ${host}`, `CONNECT ${host}`]);
    } finally {
      await identity.stop();
    }
  });

  it('do not apply to the identity endpoint of the machine', async () => {
    entra.addManagedIdentity('systemAssigned');
    const identity = new IdentityProcess({
      identity: { kind: 'managedIdentity', option: true },
      environment: { ...entra.imdsEnvironment, HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url },
    });
    try {
      await identity.token();
      expect(proxy.requests).to.deep.equal([]);
    } finally {
      await identity.stop();
    }
  });
});

/** A proxy that notes what it is asked for. */
class CountingProxy {
  readonly requests: string[] = [];
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
    server.on('request', (request, response) => {
      this.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.writeHead(502).end();
    });
    server.on('connect', (request, socket: Socket) => {
      this.requests.push(`CONNECT ${request.url ?? ''}`);
      this.#tunnel(socket, request.url ?? '');
    });
  }

  static async start(): Promise<CountingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new CountingProxy(server, address.port);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tunnel(client: Socket, target: string): void {
    const { hostname, port } = new URL(`https://${target}`);
    const server = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
  }
}
