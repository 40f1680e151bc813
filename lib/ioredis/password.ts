import { inspect } from 'node:util';
import { patchCallingCopy } from './tracking.js';

/**
 * A Redis password that is read each time it is used.
 *
 * ioredis converts the password to a string (`String(password)`) each time it logs in, so every new connection logs in
 * with the current token, also that of a client that is not managed.
 */
export interface Password {
  (): string;
  toString(): string;
}

/**
 * The JSON form of a password. A client created with options that went through JSON sends it as its password, so that the
 * `command.args` of the resulting WRONGPASS error name the cause.
 */
const LOST_IN_JSON =
  'ioredis-azure: these options went through JSON and lost the function that is their password. ' +
  'Call configureForAzure() in the process that creates the client.';

/**
 * Creates a password that calls `read` each time it is used. It is inspected as `[Password]`, and serialised as a text that
 * explains the login failure that it causes.
 *
 * @param onText Called before it is converted to a string, which a client that is not managed does to log in.
 */
export function createPassword(read: () => string, onText: () => void): Password {
  const password = (): string => read();
  return Object.defineProperties(password, {
    toString: {
      value: () => {
        // The caller may be a copy of ioredis that is not patched yet.
        patchCallingCopy();
        onText();
        return read();
      },
    },
    toJSON: { value: () => LOST_IN_JSON },
    [inspect.custom]: { value: () => '[Password]' },
  });
}
