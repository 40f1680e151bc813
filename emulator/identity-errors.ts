import { createHttpHeaders, createPipelineRequest, RestError } from '@azure/core-rest-pipeline';

const TOKEN_ENDPOINT = 'https://login.microsoftonline.com';

/** The error of an identity library when the service is unreachable. */
export function unreachable(): RestError {
  const message = 'connect ECONNREFUSED: login.microsoftonline.com:443 cannot be reached';
  return new RestError(message, { code: 'ECONNREFUSED' });
}

/** The value of a Retry-After header, in whole seconds; `retryAfter` in ms, or a date. */
export function retryAfterHeader(retryAfter: number | Date): string {
  return typeof retryAfter === 'number' ? String(Math.ceil(retryAfter / 1000)) : retryAfter.toUTCString();
}

/** The error of an identity library when the service answers 429; `retryAfter` in ms, or a date. */
export function throttled(retryAfter: number | Date): RestError {
  const status = 429;
  const headers = createHttpHeaders({ 'Retry-After': retryAfterHeader(retryAfter) });
  const request = createPipelineRequest({ url: TOKEN_ENDPOINT });
  return new RestError('Too many requests: try again later.', {
    code: 'TooManyRequests',
    statusCode: status,
    request,
    response: { status, headers, request },
  });
}

/** The error of the Azure SDK when the caller's signal aborts. */
export class AbortError extends Error {
  override readonly name = 'AbortError';

  constructor() {
    super('The operation was aborted.');
  }
}
