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

/** The value of a Retry-After header, which counts whole seconds; `retryAfter` in ms, or a date. */
export function retryAfterHeader(retryAfter: number | Date): string {
  return typeof retryAfter === 'number' ? String(Math.ceil(retryAfter / 1000)) : retryAfter.toUTCString();
}

/** What an identity library rejects with when the service answers 429; `retryAfter` in ms, or a date. */
export function throttled(retryAfter: number | Date): RestError {
  const headers = {
    get: (name: string) => (name.toLowerCase() === 'retry-after' ? retryAfterHeader(retryAfter) : undefined),
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
