import { parseInteger } from './command-line.js';

/** The flag that chooses the port of an HTTP server. */
export const LISTEN_FLAGS = { listen: { type: 'string', default: '3000' } } as const;

/** The part of a usage line that describes `LISTEN_FLAGS`. */
export const LISTEN_USAGE = '[--listen PORT]';

/**
 * The port of `--listen`; 0 stands for any free one.
 *
 * @throws UsageError if it is not a port.
 */
export function listenPort({ listen }: { readonly listen: string }): number {
  return parseInteger('--listen', listen, 0, 65_535);
}
