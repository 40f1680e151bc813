/** The part of the Azure SDK's response headers that callers read. */
export interface ResponseHeaders {
  get(name: string): string | undefined;
}

/** An answer of the identity service that is an error, as far as callers read it. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** An error of the shape of `RestError` of `@azure/core-rest-pipeline`, which identity libraries reject with. */
export class RestError extends Error {
  override readonly name = 'RestError';
  readonly code: string;
  readonly statusCode?: number;
  readonly response?: ErrorResponse;

  constructor(message: string, code: string, response?: ErrorResponse) {
    super(message);
    this.code = code;
    if (response !== undefined) {
      this.statusCode = response.status;
      this.response = response;
    }
  }
}

/** What an identity library rejects with when the service cannot be reached. */
export function unreachable(): RestError {
  return new RestError(
    'connect ECONNREFUSED: login.microsoftonline.com:443 cannot be reached',
    'ECONNREFUSED',
  );
}

/** What an identity library rejects with when the service answers 429. */
export function throttled(retryAfter: number | Date): RestError {
  const value = typeof retryAfter === 'number' ? String(retryAfter) : retryAfter.toUTCString();
  const headers = {
    get: (name: string) => (name.toLowerCase() === 'retry-after' ? value : undefined),
  };
  return new RestError('Too many requests: try again later.', 'TooManyRequests', { status: 429, headers });
}

/** What the Azure SDK rejects with when the caller's signal gave up. */
export class AbortError extends Error {
  override readonly name = 'AbortError';

  constructor() {
    super('The operation was aborted.');
  }
}
