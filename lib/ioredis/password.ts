import { inspect } from 'node:util';

/**
 * A Redis password that is looked up each time it is used.
 *
 * ioredis turns the password into text (`String(password)`) each time it logs in, so that this function logs every
 * new connection in with the token of that moment: reconnects, duplicates, the nodes of a cluster.
 */
export interface Password {
  (): string;
  toString(): string;
}

/** Makes a password of what `read` returns. It shows nothing when inspected, and JSON leaves it out. */
export function createPassword(read: () => string): Password {
  const password = (): string => read();
  return Object.defineProperties(password, {
    toString: { value: read },
    [inspect.custom]: { value: () => '[Password]' },
  });
}
