import { connect as connectTcp } from 'node:net';
import {
  connect as connectTls,
  type ConnectionOptions,
  type DetailedPeerCertificate,
  type TLSSocket,
} from 'node:tls';
import type { DiagnosisContext } from './context.js';

/** Where a probe connects to: the endpoint, or a node of a cluster. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
}

/** The result of a TLS handshake. */
export interface Handshake {
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: DetailedPeerCertificate;
  /** Why the certificate is not trusted, regardless of its name; `undefined` if it is. */
  readonly authorizationError: string | undefined;
}

/** Opens a TLS connection, verified or not; it rejects when the handshake fails or takes too long. */
export function openTls(
  { host, port }: ProbeTarget,
  options: ConnectionOptions,
  { timeout, signal, lookup }: Pick<DiagnosisContext, 'timeout' | 'signal' | 'lookup'>,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, ...(lookup && { lookup }), ...options });
    const fail = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => {
      fail(new Error('aborted'));
    };
    const timer = setTimeout(() => {
      // A busy process may have the answer already: its input is handled first.
      setImmediate(
        fail,
        Object.assign(new Error(`no TLS handshake within ${timeout} ms`), { code: 'ETIMEDOUT' }),
      );
    }, timeout);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // It stays: a socket may emit another error later on.
    socket.on('error', fail);
    socket.once('close', () => {
      fail(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
    });
    socket.once('secureConnect', () => {
      settle();
      resolve(socket);
    });
  });
}

/** Reads the certificate without verifying it; nothing secret is sent. */
export async function inspectTls(
  target: ProbeTarget,
  options: ConnectionOptions,
  context: Pick<DiagnosisContext, 'timeout' | 'signal' | 'lookup'>,
): Promise<Handshake> {
  const lenient = { ...options, rejectUnauthorized: false, checkServerIdentity: () => undefined };
  const socket = await openTls(target, lenient, context);
  try {
    // Typed as an Error, it is the code of OpenSSL.
    const reason: unknown = socket.authorizationError;
    return {
      protocol: socket.getProtocol() ?? 'an unknown protocol',
      cipher: socket.getCipher().standardName,
      certificate: socket.getPeerCertificate(true),
      authorizationError: socket.authorized ? undefined : describe(reason),
    };
  } finally {
    socket.destroy();
  }
}

/** The first bytes of the answer to a command without TLS; `undefined` if there is none. */
export function plainAnswer(
  { host, port }: ProbeTarget,
  { timeout, signal, lookup }: Pick<DiagnosisContext, 'timeout' | 'signal' | 'lookup'>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, signal, ...(lookup && { lookup }) });
    const finish = (answer?: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(finish, timeout);
    socket.once('connect', () => {
      socket.write('*1\r\n$4\r\nPING\r\n');
    });
    socket.once('data', (bytes: Buffer) => {
      finish(bytes.toString('latin1'));
    });
    socket.once('close', () => {
      finish();
    });
    socket.on('error', () => {
      finish();
    });
  });
}

function describe(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
