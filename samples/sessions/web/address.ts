import type { Request } from 'express';

/** The address of the client. An IPv4 address is written as such, though the server listens on IPv6 too. */
export function addressOf({ ip = 'unknown address' }: Request): string {
  return ip.replace(/^::ffff:/, '');
}
