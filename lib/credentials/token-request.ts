import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { tokenRequestError } from '../identities/identity-errors.js';
import { withTimeout } from '../timing/timeouts.js';
import { shown, kindOf } from '../validation.js';
import { invalidToken, Token, usernameOf, type UsernameOption } from './token.js';

/** The credential to request tokens from, and the parameters of the request. */
export interface TokenSource {
  readonly credential: TokenCredential;
  readonly scope: string;
  readonly username?: UsernameOption | undefined;
}

/**
 * Requests a token once, for at most `timeout` ms.
 *
 * @param secrets Secrets that an error of the credential may quote, such as its last token.
 * @throws AzureRedisError always `TOKEN_REFUSED`, `TOKEN_UNAVAILABLE` or `TOKEN_INVALID`.
 */
export async function requestToken(
  { credential, scope, username }: TokenSource,
  timeout: number,
  secrets: readonly string[] = [],
): Promise<Token> {
  const { token, expiresOnTimestamp, refreshAfterTimestamp } = await withTimeout(
    async (abortSignal) => fieldsOf(await credential.getToken(scope, { abortSignal })),
    timeout,
  ).catch((error: unknown) => {
    throw tokenRequestError('No access token was acquired', error, secrets);
  });
  if (typeof token !== 'string' || token === '') {
    throw invalidToken(
      'The credential returned no access token.',
      'Return { token, expiresOnTimestamp } from getToken(), as TokenCredential of @azure/core-auth requires.',
    );
  }
  if (!/^[!-~]+$/.test(token)) {
    throw invalidToken(
      'The credential returned an access token with a line break, a space or another character that tokens do not contain.',
      'Remove the line break, for example with `trim()`, if the credential reads the token from a file or a command.',
    );
  }
  const acquiredOn = Date.now();
  const expiresOn = validExpiry(expiresOnTimestamp);
  if (expiresOn <= acquiredOn) {
    throw new AzureRedisError(
      'TOKEN_UNAVAILABLE',
      `The credential returned an access token that expired at ${new Date(expiresOn).toISOString()}.`,
      "Check this machine's clock, and that the credential does not cache tokens beyond their expiry.",
    );
  }
  return new Token(token, {
    username: usernameOf(token, username),
    acquiredOn,
    expiresOn,
    refreshAfter: isBetween(refreshAfterTimestamp, acquiredOn, expiresOn) ? refreshAfterTimestamp : undefined,
  });
}

/** Reads each field once: it may be a getter, which may throw. A custom credential may return anything, whatever its type. */
function fieldsOf(accessToken: Partial<Record<keyof AccessToken, unknown>> | null | undefined) {
  const { token, expiresOnTimestamp, refreshAfterTimestamp } = accessToken ?? {};
  return { token, expiresOnTimestamp, refreshAfterTimestamp };
}

/** Times since 1970 below this are in seconds: in milliseconds it is in 1973, in seconds in the year 5138. */
const EARLIEST_TIME = 1e11;

/** The last time that a Date can hold, in ms since 1970. */
const LATEST_TIME = 8.64e15;

function validExpiry(time: unknown): number {
  if (isBetween(time, EARLIEST_TIME, LATEST_TIME)) return time;
  throw invalidToken(
    `The credential's \`expiresOnTimestamp\` must be a time in milliseconds since 1970, got ${typeof time === 'string' ? kindOf(time) : shown(time)}.`,
    typeof time === 'number' && time > 0 && time < EARLIEST_TIME
      ? 'It looks like seconds: multiply the `exp` or `expires_on` of the token by 1000.'
      : 'Return a number from getToken(), for example `date.getTime()`, not a Date or a string.',
  );
}

function isBetween(time: unknown, after: number, before: number): time is number {
  return typeof time === 'number' && time > after && time < before;
}
