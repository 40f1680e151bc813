import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { withTimeout } from '../timing/timeouts.js';
import { messageOf, withoutSecrets, withoutTokens } from './redaction.js';
import { Token } from './token.js';
import { usernameOf, type UsernameOption } from './username.js';

/** What an identity's error means for the one who asked. */
export interface TokenFailure {
  /** Asking again cannot help. */
  readonly permanent: boolean;
  readonly hint: string;
  /** How long the identity service wants to be left alone, in ms. */
  readonly retryAfter?: number;
}

/** Why a request gave no token. */
export class TokenRequestError extends AzureRedisError {
  /** How long the identity service wants to be left alone, in ms; 0 if it did not say. */
  readonly retryAfter: number;

  constructor(message: string, refusal: TokenFailure, cause: unknown) {
    super(refusal.permanent ? 'TOKEN_REFUSED' : 'TOKEN_UNAVAILABLE', message, refusal.hint, {
      cause: withoutSecrets(cause),
    });
    this.retryAfter = refusal.retryAfter ?? 0;
  }
}

/** Who is asked for a token, and for what. */
export interface TokenSource {
  readonly credential: TokenCredential;
  readonly scope: string;
  readonly username?: UsernameOption | undefined;
  /** Reads an error of the credential. */
  readonly classifyError: (error: unknown) => TokenFailure;
}

/**
 * Asks once for a token, for at most `timeout` ms.
 *
 * @throws AzureRedisError `TOKEN_REFUSED`, `TOKEN_UNAVAILABLE` or `TOKEN_INVALID`, always one of the three.
 */
export async function requestToken(source: TokenSource, timeout: number): Promise<Token> {
  const accessToken = await withTimeout(
    (abortSignal) => source.credential.getToken(source.scope, { abortSignal }),
    timeout,
  ).catch((error: unknown) => {
    const refusal = source.classifyError(error);
    throw new TokenRequestError(`No access token: ${withoutTokens(messageOf(error))}`, refusal, error);
  });
  return checked(accessToken, source.username);
}

function checked(accessToken: AccessToken | null, username: UsernameOption | undefined): Token {
  const { token, expiresOnTimestamp, refreshAfterTimestamp } = accessToken ?? {};
  if (typeof token !== 'string' || token === '' || !Number.isFinite(expiresOnTimestamp)) {
    throw new AzureRedisError(
      'TOKEN_INVALID',
      'The credential returned no access token.',
      'A TokenCredential returns { token, expiresOnTimestamp }, the latter in ms since 1970.',
    );
  }
  const acquiredOn = Date.now();
  const expiresOn = Number(expiresOnTimestamp);
  if (expiresOn <= acquiredOn) {
    throw new AzureRedisError(
      'TOKEN_UNAVAILABLE',
      `The credential returned an access token that expired at ${new Date(expiresOn).toISOString()}.`,
      "Check this machine's clock, and that the credential does not keep tokens beyond their expiry.",
    );
  }
  return new Token(token, {
    username: usernameOf(token, username),
    acquiredOn,
    expiresOn,
    refreshAfter: refreshAfterTimestamp,
  });
}
