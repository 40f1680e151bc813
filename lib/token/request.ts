import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { Token } from './token.js';
import { usernameOf, type UsernameOption } from './username.js';

/** What an identity's error means for the one who asked. */
export interface RefusalDescription {
  /** Asking again cannot help. */
  readonly definite: boolean;
  readonly hint: string;
  /** How long the identity service wants to be left alone, in ms. */
  readonly retryAfter?: number;
}

/** Why a request gave no token. */
export class TokenRequestError extends AzureRedisError {
  /** How long the identity service wants to be left alone, in ms; 0 if it did not say. */
  readonly retryAfter: number;

  constructor(message: string, refusal: RefusalDescription, cause: unknown) {
    super(refusal.definite ? 'TOKEN_REFUSED' : 'TOKEN_UNAVAILABLE', message, refusal.hint, {
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
  readonly describeError: (error: unknown) => RefusalDescription;
}

/**
 * Asks once for a token, for at most `timeout` ms.
 *
 * @throws AzureRedisError `TOKEN_REFUSED`, `TOKEN_UNAVAILABLE` or `TOKEN_INVALID`, always one of the three.
 */
export async function requestToken(source: TokenSource, timeout: number): Promise<Token> {
  const accessToken = await cutOff(
    (abortSignal) => source.credential.getToken(source.scope, { abortSignal }),
    timeout,
  ).catch((error: unknown) => {
    const refusal = source.describeError(error);
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

/** Runs `work` for at most `timeout` ms, whether or not it heeds its signal. */
async function cutOff<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  timeout: number,
): Promise<Result> {
  const controller = new AbortController();
  const { promise: timedOut, reject } = withRejection();
  const timer = setTimeout(() => {
    reject(new Error(`the credential did not answer within ${timeout} ms`));
    controller.abort();
  }, timeout);
  timer.unref();
  try {
    return await Promise.race([work(controller.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

function withRejection(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Text without anything that looks like a JSON Web Token. */
function withoutTokens(text: string): string {
  return text.replaceAll(/eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '<token>');
}

/**
 * What the identity library threw, reduced to what tells the reason. Its errors may carry the request, in whose body
 * the client secret stands.
 */
function withoutSecrets(error: unknown): Error {
  const reduced = new Error(withoutTokens(messageOf(error)));
  if (!(error instanceof Error)) return reduced;
  reduced.name = error.name;
  reduced.stack = withoutTokens(error.stack ?? '');
  for (const key of ['code', 'statusCode', 'errorCode', 'subError', 'correlationId'] as const) {
    const value: unknown = Reflect.get(error, key);
    if (typeof value === 'string' || typeof value === 'number') {
      Object.defineProperty(reduced, key, { value, enumerable: true });
    }
  }
  if (error.cause !== undefined) reduced.cause = withoutSecrets(error.cause);
  return reduced;
}
