/** A failed response of an identity service, in the shape of the Azure SDK's errors. */
export interface FailedExchange {
  /** The name of the service, to begin a sentence with. */
  readonly service: string;
  /** The status of the HTTP response, if there was one. */
  readonly statusCode?: number;
  /** The code of the network error, if there was no response. */
  readonly code?: string;
  readonly reason: string;
  readonly errorResponse?: { readonly error?: string; readonly errorCodes?: readonly number[] };
  readonly retryAfter?: string;
}

/**
 * A failed token request, with the details of the response that msal drops. It holds nothing of the request, whose body
 * contains the secret.
 */
export class IdentityRequestError extends Error {
  override readonly name = 'IdentityRequestError';
  // Declared without a value, so that absent details are absent properties.
  declare readonly statusCode?: number;
  declare readonly code?: string;
  declare readonly errorResponse?: FailedExchange['errorResponse'];
  declare readonly headers?: Readonly<Record<string, string>>;

  constructor(failure: FailedExchange, cause: unknown) {
    const answer =
      failure.statusCode === undefined ? 'could not be reached' : `answered ${failure.statusCode}`;
    super(`${failure.service} ${answer}: ${failure.reason}`, { cause });
    if (failure.statusCode !== undefined) this.statusCode = failure.statusCode;
    if (failure.code !== undefined) this.code = failure.code;
    if (failure.errorResponse !== undefined) this.errorResponse = failure.errorResponse;
    if (failure.retryAfter !== undefined) this.headers = { 'retry-after': failure.retryAfter };
  }
}
