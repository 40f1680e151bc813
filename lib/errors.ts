/** The reason of an error, for programs. */
export type AzureRedisErrorCode =
  /** The value of an option or argument is not valid. */
  | 'INVALID_OPTION'
  /** `host` is missing, or not a host name. */
  | 'INVALID_HOST'
  /** `port` is missing, and the host suffix does not imply it. */
  | 'MISSING_PORT'
  /** Two options contradict each other, or more than one identity was given. */
  | 'CONFLICTING_OPTIONS'
  /** The token would be sent over plain TCP or to a server whose identity is not verified. */
  | 'INSECURE_CONNECTION'
  /** The identity returned no token, or an expired one. The request is retried automatically once the authenticator runs. */
  | 'TOKEN_UNAVAILABLE'
  /** The identity service refused permanently; another attempt cannot succeed. */
  | 'TOKEN_REFUSED'
  /** The identity returned an unusable token: not a JWT, without `oid`, or with an invalid expiry. */
  | 'TOKEN_INVALID'
  /** A required package is not installed. */
  | 'MISSING_DEPENDENCY'
  /** The cache refused the login. */
  | 'WRONGPASS'
  /** The cache refused a command for which the user has no permission. */
  | 'NOPERM'
  /** The cache is a cluster, and the client is not a `Cluster`. */
  | 'CLUSTER_CLIENT_REQUIRED'
  /** The client is a `Cluster`, and the cache is not a cluster. */
  | 'CLUSTER_MODE_DISABLED'
  /** The client does not log in with this authenticator. */
  | 'UNMANAGED_CLIENT'
  /** A connection failed, or was lost permanently. */
  | 'CONNECTION_FAILED'
  /** The connection did not answer and was replaced; the command may have been executed. */
  | 'CONNECTION_STALLED'
  /** The cache refused to subscribe to a channel. */
  | 'SUBSCRIPTION_REFUSED'
  /** The client does not support the operation; the cache was not asked. */
  | 'UNSUPPORTED'
  /** The listener of a subscription threw an error or rejected. */
  | 'LISTENER_FAILED'
  /** Messages arrived faster than they were iterated over. */
  | 'BUFFER_OVERFLOW'
  /** The authenticator or multiplexer has been closed. */
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
