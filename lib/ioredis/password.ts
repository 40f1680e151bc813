import { inspect } from 'node:util';
import { patchCallingCopy } from './tracking.js';

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

/**
 * What JSON makes of a password. A client that is made of such options sends it: among the `command.args` of the WRONGPASS
 * that it gets, it says why.
 */
const LOST_IN_JSON =
  'ioredis-azure: these options went through JSON and lost the function that is their password. ' +
  'Call configureForAzure() in the process that makes the client.';

/** Makes a password of what `read` returns. It shows nothing when inspected or serialised. */
export function createPassword(read: () => string): Password {
  const password = (): string => read();
  return Object.defineProperties(password, {
    toString: {
      value: () => {
        // A client of a copy of ioredis that is not known yet may be about to log in.
        patchCallingCopy();
        return read();
      },
    },
    toJSON: { value: () => LOST_IN_JSON },
    [inspect.custom]: { value: () => '[Password]' },
  });
}
