/**
 * What went wrong, for programs to tell apart.
 *
 * - `INVALID_OPTION`: an option has a value of the wrong kind.
 * - `INVALID_HOST`, `INVALID_HOST`, `MISSING_PORT`: the cache cannot be addressed.
 * - `CONFLICTING_OPTIONS`: more than one way to log in was given.
 * - `CONFLICTING_OPTIONS`: two options contradict each other.
 * - `INSECURE_CONNECTION`: a token would be sent over an unprotected or unverified connection.
 * - `TOKEN_UNAVAILABLE`: the identity gave no token.
 * - `TOKEN_REFUSED`: the identity service definitely refused; asking again cannot help.
 * - `TOKEN_INVALID`: what the identity gave cannot be used: no JWT, no `oid`, already expired, somebody else's.
 * - `MISSING_DEPENDENCY`: a package that is needed for what was asked is not installed.
 * - `WRONGPASS`, `NOPERM`: the cache refused the login, or the command.
 * - `CLUSTER_CLIENT_REQUIRED`, `CLUSTER_MODE_DISABLED`: the cache is clustered, but the client is not; or the other way round.
 * - `UNMANAGED_CLIENT`: the client given does not log in with this authenticator.
 * - `CONNECTION_FAILED`: a connection could not be made, or was lost for good.
 * - `SUBSCRIPTION_REFUSED`: the cache refused to subscribe to a channel.
 * - `LISTENER_FAILED`: a listener of a subscription threw an error.
 * - `BUFFER_OVERFLOW`: messages were iterated over more slowly than they came.
 * - `CLOSED`: the authenticator, or the multiplexer, has been closed.
 */
export type AzureRedisErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_HOST'
  | 'MISSING_PORT'
  | 'CONFLICTING_OPTIONS'
  | 'INSECURE_CONNECTION'
  | 'TOKEN_UNAVAILABLE'
  | 'TOKEN_REFUSED'
  | 'TOKEN_INVALID'
  | 'MISSING_DEPENDENCY'
  | 'WRONGPASS'
  | 'NOPERM'
  | 'CLUSTER_CLIENT_REQUIRED'
  | 'CLUSTER_MODE_DISABLED'
  | 'UNMANAGED_CLIENT'
  | 'CONNECTION_FAILED'
  | 'SUBSCRIPTION_REFUSED'
  | 'LISTENER_FAILED'
  | 'BUFFER_OVERFLOW'
  | 'CLOSED';

/**
 * Every error of this package: what happened in `message`, what to do about it in `hint`, and a stable `code`.
 * It never holds a token, a key or a secret.
 */
export class AzureRedisError extends Error {
  override readonly name = 'AzureRedisError';
  readonly code: AzureRedisErrorCode;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: AzureRedisErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
