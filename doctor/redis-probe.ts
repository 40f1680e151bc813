import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { DiagnosisContext } from './context.js';
import { openTls, type ProbeTarget } from './tls-probe.js';

/**
 * Sends one command on a separate connection and returns the first line of the reply: of a login, it says whether it
 * was accepted. ioredis is not used for it: it logs in by itself, and version 5 does not read RESP3.
 *
 * @throws Error if the connection fails, or there is no reply in time.
 */
export async function firstReplyLine(
  context: DiagnosisContext,
  command: readonly string[],
  target: ProbeTarget = context,
): Promise<string> {
  const socket = await open(context, target);
  try {
    return withoutArguments(await exchange(socket, encode(command), context), command);
  } finally {
    socket.destroy();
  }
}

function open(context: DiagnosisContext, target: ProbeTarget): Promise<Socket> {
  const { tls, signal } = context;
  if (tls) return openTls(target, tls, context);
  const { host, port } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.on('error', reject);
    socket.once('connect', () => {
      resolve(socket);
    });
  });
}

function exchange(
  socket: Socket,
  command: string,
  { timeout, signal }: Pick<DiagnosisContext, 'timeout' | 'signal'>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const fail = (reason: string): void => {
      settle();
      reject(new Error(reason));
    };
    const onAbort = (): void => {
      fail('aborted');
    };
    const onClose = (): void => {
      fail('the connection was closed before the reply');
    };
    const timer = setTimeout(() => {
      setImmediate(fail, `no reply within ${timeout} ms`);
    }, timeout);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('close', onClose);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', () => undefined);
    socket.once('close', onClose);
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      const end = received.indexOf('\r\n');
      if (end === -1) return;
      settle();
      resolve(received.slice(0, end));
    });
    socket.write(command);
  });
}

function encode(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

/** The answer to an unknown command quotes the beginning of its arguments: of a login, the password. */
function withoutArguments(line: string, [, ...args]: readonly string[]): string {
  const shown = line.replace(/,? with args beginning with:.*$/i, '');
  return args
    .filter((argument) => argument.length >= MIN_SECRET_LENGTH)
    .reduce((text, argument) => text.replaceAll(argument, '<hidden>'), shown);
}

/** Shorter arguments, such as the version of the protocol, are not passwords. */
const MIN_SECRET_LENGTH = 8;
