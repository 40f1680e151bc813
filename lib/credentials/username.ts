import { AzureRedisError } from '../errors.js';

/** The claims of an access token: who it is for, by whom and until when. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** The Redis user name: a fixed text, or a function of the token's claims. By default the `oid` claim. */
export type UsernameOption = string | ((claims: TokenClaims) => string);

/**
 * The user name that a token logs in.
 *
 * @throws AzureRedisError `TOKEN_INVALID` if it cannot be told.
 */
export function usernameOf(token: string, option: UsernameOption = objectId): string {
  if (typeof option === 'string') return option;
  const username = applied(option, claimsOf(token));
  if (typeof username === 'string' && username !== '') return username;
  throw new AzureRedisError(
    'TOKEN_INVALID',
    'The `username` function returned no user name for the access token.',
    'Return a claim that the token holds, or set `username` to the object id that has the access policy.',
  );
}

function applied(option: (claims: TokenClaims) => string, claims: TokenClaims): unknown {
  try {
    return option(claims);
  } catch (error) {
    if (error instanceof AzureRedisError) throw error;
    throw new AzureRedisError(
      'TOKEN_INVALID',
      `The \`username\` function threw an error: ${error instanceof Error ? error.message : String(error)}`,
      'Return a claim that the token holds, or set `username` to the object id that has the access policy.',
    );
  }
}

/** Azure Redis knows an identity by its object id. */
function objectId({ oid }: TokenClaims): string {
  if (typeof oid === 'string' && oid !== '') return oid;
  throw new AzureRedisError(
    'TOKEN_INVALID',
    'The access token has no `oid` claim, by which Azure Redis knows its users.',
    "Check that the token is an Entra access token for Azure Redis, or set `username` to the identity's object id.",
  );
}

/** The claims of a JWT. Its signature is not ours to check: the server does. */
function claimsOf(token: string): TokenClaims {
  const [, payload = '', signature] = token.split('.');
  try {
    if (signature === undefined) throw new SyntaxError('not three parts');
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    if (typeof claims === 'object' && claims !== null) return claims as TokenClaims;
  } catch {
    // What the parser says would quote from the token.
  }
  throw new AzureRedisError(
    'TOKEN_INVALID',
    'The credential returned something that is not an access token (no JSON Web Token).',
    'Check the credential and the `scope` option; for a token that cannot be read, set `username`.',
  );
}
