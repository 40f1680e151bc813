/** The part of the response headers of the Azure SDK that callers read. */
export interface ResponseHeaders {
  get(name: string): string | undefined;
}

/** The part of an error response of the identity service that callers read. */
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

/** The error of an identity library when the service is unreachable. */
export function unreachable(): RestError {
  return new RestError(
    'connect ECONNREFUSED: login.microsoftonline.com:443 cannot be reached',
    'ECONNREFUSED',
  );
}

/** The value of a Retry-After header, in whole seconds; `retryAfter` in ms, or a date. */
export function retryAfterHeader(retryAfter: number | Date): string {
  return typeof retryAfter === 'number' ? String(Math.ceil(retryAfter / 1000)) : retryAfter.toUTCString();
}

/** The error of an identity library when the service answers 429; `retryAfter` in ms, or a date. */
export function throttled(retryAfter: number | Date): RestError {
  const headers = {
    get: (name: string) => (name.toLowerCase() === 'retry-after' ? retryAfterHeader(retryAfter) : undefined),
  };
  return new RestError('Too many requests: try again later.', 'TooManyRequests', { status: 429, headers });
}

/** The error of the Azure SDK when the caller's signal aborts. */
export class AbortError extends Error {
  override readonly name = 'AbortError';

  constructor() {
    super('The operation was aborted.');
  }
}
