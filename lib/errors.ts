/**
 * The reason of an error, for programs.
 *
 * Options:
 * - `INVALID_OPTION`: the value of an option or argument is not valid.
 * - `CONFLICTING_OPTIONS`: two options contradict each other, or more than one identity was given.
 * - `INVALID_HOST`: `host` is missing, or not a host name.
 * - `MISSING_PORT`: `port` is missing, and the host suffix does not imply it.
 * - `INSECURE_CONNECTION`: the token would be sent over plain TCP or to a server whose identity is not verified.
 * - `MISSING_DEPENDENCY`: a required package is not installed.
 *
 * Tokens:
 * - `TOKEN_UNAVAILABLE`: the identity returned no token, or an expired one. The request is retried automatically once the
 *   authenticator runs.
 * - `TOKEN_REFUSED`: the identity service refused permanently; another attempt cannot succeed.
 * - `TOKEN_INVALID`: the identity returned an unusable token: not a JWT, without `oid`, or with an invalid
 *   expiry.
 *
 * The cache and its clients:
 * - `WRONGPASS`: the cache refused the login.
 * - `NOPERM`: the cache refused a command for which the user has no permission.
 * - `CLUSTER_CLIENT_REQUIRED`: the cache is a cluster, and the client is not a `Cluster`.
 * - `CLUSTER_MODE_DISABLED`: the client is a `Cluster`, and the cache is not a cluster.
 * - `UNMANAGED_CLIENT`: the client does not log in with this authenticator.
 * - `CONNECTION_FAILED`: a connection failed, or was lost permanently.
 * - `CONNECTION_STALLED`: the connection did not answer and was replaced; the command may have been executed.
 * - `CLOSED`: the authenticator or multiplexer has been closed.
 *
 * Subscriptions:
 * - `SUBSCRIPTION_REFUSED`: the cache refused to subscribe to a channel.
 * - `UNSUPPORTED`: the client does not support the operation; the cache was not asked.
 * - `LISTENER_FAILED`: the listener of a subscription threw an error or rejected.
 * - `BUFFER_OVERFLOW`: messages arrived faster than they were iterated over.
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
  | 'CONNECTION_STALLED'
  | 'SUBSCRIPTION_REFUSED'
  | 'UNSUPPORTED'
  | 'LISTENER_FAILED'
  | 'BUFFER_OVERFLOW'
  | 'CLOSED';

const BRAND = Symbol.for('ioredis-azure.AzureRedisError');

/**
 * The error class of this package: `message` states the failure, `hint` the remedy, and `code` is stable. It never contains
 * a token, key or secret.
 */
export class AzureRedisError extends Error {
  /** `AzureRedisError`, or that of an error reply of the server, which stays a `ReplyError` of ioredis. */
  override readonly name: string = 'AzureRedisError';
  /** The reason of the error, for programs. */
  readonly code: AzureRedisErrorCode;
  /** What to do. */
  readonly hint: string;

  constructor(code: AzureRedisErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  static {
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }

  /** @internal A process can hold several copies of this package: the errors of each are instances. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== AzureRedisError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Makes an error an AzureRedisError, which stays what it is besides: its class, name and message do not change. */
export function asAzureRedisError<Original extends Error>(
  error: Original,
  code: AzureRedisErrorCode,
  hint: string,
): Original {
  return Object.assign(Object.defineProperty(error, BRAND, { value: true }), { code, hint });
}
