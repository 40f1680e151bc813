import { isIPv4, type Server } from 'node:net';
import { assertOption, invalidOption, isText } from '../lib/validation.js';

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

/** Labels of letters, digits and inner hyphens; underscores occur in the names of containers. */
const HOSTNAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

const OTHER_PORT = 'Choose another port, or 0 for a free one.';
const OTHER_ADDRESS =
  'Bind to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for every interface.';

/** The reasons of the system, each with its remedy. */
const REASONS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  EADDRINUSE: ['it is in use', OTHER_PORT],
  EACCES: ['this user may not listen on it', OTHER_PORT],
  EADDRNOTAVAIL: ['this machine has no such address', OTHER_ADDRESS],
  ENOTFOUND: ['the address is not known', OTHER_ADDRESS],
};

/** @throws AzureRedisError `INVALID_OPTION`. */
export function assertPort(
  name: string,
  port: unknown,
  { least = 0, hint = 'Set it to the port to listen on, or to 0 for a free one.' } = {},
): asserts port is number {
  assertOption(
    typeof port === 'number' && Number.isInteger(port) && port >= least && port <= LARGEST_PORT,
    name,
    port,
    `an integer from ${least} to ${LARGEST_PORT}`,
    { hint },
  );
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function assertListenOptions({ bind, hostname }: ListenOptions): void {
  assertOption(bind === undefined || isText(bind), 'bind', bind, 'an IP address of this machine');
  assertOption(
    hostname === undefined || isHostname(hostname),
    'hostname',
    hostname,
    'a host name or an IPv4 address, without a scheme, port or path',
    { hint: "Set it to the name by which clients reach the emulator, for example 'localhost'." },
  );
}

/** Whether it can be the host in a URL and the name in a certificate. */
export function isHostname(hostname: unknown): boolean {
  return typeof hostname === 'string' && (isIPv4(hostname) || HOSTNAME.test(hostname));
}

/**
 * Starts to listen, and resolves to the port.
 *
 * @throws AzureRedisError `INVALID_OPTION` if the address cannot be listened on.
 */
export async function listen(server: Server, { address, port }: ListenAddress): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const [reason, hint] = REASONS[error.code ?? ''] ?? [error.message, OTHER_PORT];
      reject(invalidOption(`Port ${port} of ${address} cannot be listened on: ${reason}.`, hint, error));
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
