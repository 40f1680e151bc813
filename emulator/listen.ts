import type { Server } from 'node:net';
import { AzureRedisError } from '../lib/index.js';
import { assertOption, isText } from '../lib/validation.js';

/** The address of an emulator, and the name by which clients reach it. */
export interface ListenOptions {
  /**
   * The IP address to listen on; `0.0.0.0` for every interface, for example in a container. Default: `127.0.0.1`, which other
   * machines cannot reach.
   */
  readonly bind?: string | undefined;
  /**
   * The host name or IPv4 address by which clients reach the emulator. Certificates are issued for it and for `localhost`.
   * Default: `localhost`.
   */
  readonly hostname?: string | undefined;
}

/** An address and a port to listen on; port 0 is any free one. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

export const LOOPBACK = '127.0.0.1';

const LARGEST_PORT = 65_535;

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'it is in use'],
  ['EACCES', 'this user may not listen on it'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['ENOTFOUND', 'the address is not known'],
]);

/** @throws AzureRedisError `INVALID_OPTION`. */
export function assertPort(name: string, port: unknown): asserts port is number {
  assertOption(
    typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= LARGEST_PORT,
    name,
    port,
    `an integer from 0 to ${LARGEST_PORT}`,
    { hint: 'Set it to the port to listen on, or to 0 for a free one.' },
  );
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function assertListenOptions({ bind, hostname }: ListenOptions): void {
  assertOption(bind === undefined || isText(bind), 'bind', bind, 'an IP address of this machine');
  assertOption(
    hostname === undefined || (isText(hostname) && URL.canParse(`https://${hostname}`)),
    'hostname',
    hostname,
    'a host name or an IPv4 address',
  );
}

/**
 * Starts to listen, and resolves to the port.
 *
 * @throws AzureRedisError `INVALID_OPTION` if the address cannot be listened on.
 */
export async function listen(server: Server, { address, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(
        new AzureRedisError(
          'INVALID_OPTION',
          `Port ${port} of ${address} cannot be listened on: ${REASONS.get(error.code ?? '') ?? error.message}.`,
          'Choose another one, or 0 for a free port.',
          { cause: error },
        ),
      );
    };
    server.once('error', fail);
    server.listen(port, address, () => {
      server.off('error', fail);
      resolve();
    });
  });
  return portOf(server);
}

/** The port that a server listens on; 0 if it does not. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
