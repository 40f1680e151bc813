import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { generate } from 'selfsigned';

/** What a certificate says. */
export interface CertificateOptions {
  readonly name?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** An authority, and a certificate that it issued. */
export interface IssuedCertificate {
  readonly ca: string;
  readonly key: string;
  readonly cert: string;
}

/** Issues a certificate, by default for localhost and valid for a year. */
export async function issueCertificate({
  name = 'localhost',
  notBefore,
  notAfter,
}: CertificateOptions = {}): Promise<IssuedCertificate> {
  const authority = await generate([{ name: 'commonName', value: 'Spec CA' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    ...(notBefore && { notBeforeDate: notBefore }),
    ...(notAfter && { notAfterDate: notAfter }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
  return { ca: authority.cert, key, cert };
}

/** Servers of one spec, which end with it. */
export class Servers {
  readonly #servers = new Map<Server, Set<Socket>>();
  /** All that clients said to the TLS servers, in the clear. */
  received = '';

  /** Declares servers for every spec of the `describe` that calls this. */
  static forEach(): Servers {
    const servers = new Servers();
    afterEach(() => servers.#stop());
    return servers;
  }

  /** A TLS server that closes a connection as soon as it is told anything. */
  tls(options: TlsOptions): Promise<number> {
    const server = createTlsServer(options, (socket) => {
      socket.on('data', (bytes: Buffer) => {
        this.received += bytes.toString('latin1');
        socket.destroy();
      });
      socket.on('error', () => undefined);
    });
    server.on('tlsClientError', () => undefined);
    return this.#listen(server);
  }

  /** A TCP server. */
  tcp(serve: (socket: Socket) => void): Promise<number> {
    return this.#listen(createTcpServer(serve));
  }

  async #listen(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    this.#servers.set(server, sockets);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async #stop(): Promise<void> {
    this.received = '';
    const servers = [...this.#servers];
    this.#servers.clear();
    await Promise.all(
      servers.map(async ([server, sockets]) => {
        for (const socket of sockets) socket.destroy();
        const closed = once(server, 'close');
        server.close();
        await closed;
      }),
    );
  }
}
