import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { tokenRequestError } from '../identities/identity-errors.js';
import { messageOf, redacted } from '../redaction.js';
import { END_OF_TIME, withTimeout } from '../timing/timeouts.js';
import { kindOf, shown } from '../validation.js';
import { Credentials } from './credentials.js';

/** For how long a token is fresh: the identity service could hardly issue a better one. A share of its lifetime, and in ms. */
const FRESH_SHARE = 0.05;
const FRESH_TIME = 60_000;

/** An access token that has been validated. Times are in ms since 1970. */
export class Token extends Credentials {
  readonly acquiredOn: number;
  /** When the identity service advises to request the next one. */
  readonly refreshAfter: number | undefined;

  constructor(
    secret: string,
    details: { username: string; acquiredOn: number; expiresOn: number; refreshAfter?: number | undefined },
  ) {
    super(details.username, secret, details.expiresOn);
    this.acquiredOn = details.acquiredOn;
    this.refreshAfter = details.refreshAfter;
  }

  /** The time from acquisition to expiry, in ms. */
  get lifetime(): number {
    return this.expiresOn - this.acquiredOn;
  }

  isFresh(): boolean {
    return this.lifetime - this.remaining < Math.min(FRESH_TIME, this.lifetime * FRESH_SHARE);
  }

  /**
   * Whether a connection that is opened now logs in before the token expires: a tenth of the lifetime must be left, or
   * 5 s, which is enough for a TLS connection across continents.
   */
  isUsable(): boolean {
    return this.remaining > Math.min(5_000, this.lifetime / 10);
  }

  isSame(other: Token): boolean {
    return this.password === other.password;
  }

  /**
   * Whether this is a different token, and no older. Identity libraries return a cached token until shortly before its
   * expiry; and after the clock was set back, a newer token seems to expire earlier.
   */
  isNewerThan(other: Token): boolean {
    const endsNoEarlier = this.expiresOn >= other.expiresOn || this.remaining >= other.remaining;
    return endsNoEarlier && !this.isSame(other);
  }
}

/** Stands for a token before the first one is acquired: it has expired, and no connection logs in with it. */
export const NO_TOKEN = new Token('', { username: '', acquiredOn: 0, expiresOn: 0 });

/** The claims of an access token, such as `oid`, `appid` and `exp`. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The Redis user name: a string, or a function of the token's claims. Default: the claim `oid`. */
export type UsernameOption = string | ((claims: TokenClaims) => string);

/**
 * The user name that a token logs in.
 *
 * @throws AzureRedisError `TOKEN_INVALID` if the token does not determine it.
 */
export function usernameOf(token: string, option: UsernameOption = objectId): string {
  if (typeof option === 'string') return option;
  const hint =
    'Return a claim that the token holds, or set `username` to the object id that has the access policy.';
  const claims = claimsOf(token);
  let username: unknown;
  try {
    username = option(claims);
  } catch (error) {
    if (error instanceof AzureRedisError) throw error;
    throw invalidToken(`The \`username\` function threw an error: ${redacted(messageOf(error))}`, hint);
  }
  if (isUsername(username)) return username;
  // An async function is a mistake that types do not prevent in JavaScript; its rejection must not end the process.
  if (username instanceof Promise) username.catch(() => undefined);
  throw invalidToken('The `username` function returned no user name for the access token.', hint);
}

/** Whether this can be the name of a Redis user, which contains no spaces. */
export function isUsername(value: unknown): value is string {
  return typeof value === 'string' && /^\S+$/.test(value);
}

/** The user name of an identity in Azure Redis is its object id. */
function objectId({ oid }: TokenClaims): string {
  if (typeof oid === 'string' && oid !== '') return oid;
  throw invalidToken(
    'The access token has no `oid` claim, which is the user name in Azure Redis.',
    "Check that the token is an Entra access token for Azure Redis, or set `username` to the identity's object id.",
  );
}

/**
 * The claims of a JWT. The server, not this package, verifies its signature.
 *
 * @throws AzureRedisError `TOKEN_INVALID` if the token is not a JWT.
 */
export function claimsOf(token: string): TokenClaims {
  const [, payload = '', signature] = token.split('.');
  try {
    if (signature === undefined) throw new SyntaxError('not three parts');
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    if (typeof claims === 'object' && claims !== null) return claims as TokenClaims;
  } catch {
    // Without the error of the parser, which quotes the token.
  }
  throw invalidToken(
    'The credential returned a token that is not a JSON Web Token.',
    'Check the credential and the `scope` option; for an opaque token, set `username`.',
  );
}

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

function validExpiry(time: unknown): number {
  if (isBetween(time, EARLIEST_TIME, END_OF_TIME)) return time;
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

function invalidToken(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('TOKEN_INVALID', message, hint);
}
