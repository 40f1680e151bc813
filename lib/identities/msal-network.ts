import { AsyncLocalStorage } from 'node:async_hooks';
import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type {
  AuthenticationResult,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
} from '@azure/msal-node';
import { type FailedExchange, IdentityRequestError } from './identity-request-error.js';

type AbortSignalLike = NonNullable<GetTokenOptions['abortSignal']>;

/** Whom msal talks to through a network. */
export interface IdentityService {
  /** To begin a sentence with. */
  readonly name: string;
  /** Whether it is on the internet, where a proxy may be in between. */
  readonly isRemote: boolean;
}

/**
 * msal's way to the identity service. msal has none for a signal that ends a request, keeps Retry-After to itself, and
 * counts expiry in whole seconds; and of managed identities it keeps the first network that the process gave it. So what
 * belongs to one request for a token is kept in an asynchronous context, not in the network.
 *
 * Requests go through the Azure SDK's own pipeline, so that proxy settings (`HTTPS_PROXY`, `NO_PROXY`) and the
 * certificates of `https.globalAgent` count here as they do there.
 */
export class MsalNetwork implements INetworkModule {
  readonly #service: IdentityService;
  readonly #exchanges = new AsyncLocalStorage<Exchange>();

  constructor(service: IdentityService) {
    this.#service = service;
  }

  /** Runs one of msal's acquire functions and gives its token in the form of the Azure SDK. */
  acquire(
    abortSignal: AbortSignalLike | undefined,
    acquire: () => Promise<AuthenticationResult | null>,
  ): Promise<AccessToken> {
    return this.run(abortSignal, async (exchange) => toAccessToken(await acquire(), exchange));
  }

  /** Runs what msal does through this network, and tells in full why it failed. */
  async run<Result>(
    abortSignal: AbortSignalLike | undefined,
    work: (exchange: Readonly<Exchange>) => Promise<Result>,
  ): Promise<Result> {
    const exchange: Exchange = { abortSignal };
    try {
      return await this.#exchanges.run(exchange, () => work(exchange));
    } catch (error) {
      if (abortSignal?.aborted === true) throw aborted(error);
      throw exchange.failure ? new IdentityRequestError(exchange.failure, error) : error;
    }
  }

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('GET', url, options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('POST', url, options);
  }

  async #send<T>(
    method: 'GET' | 'POST',
    url: string,
    { headers = {}, body }: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    const pipeline = await import('@azure/core-rest-pipeline');
    const exchange = this.#exchanges.getStore() ?? {};
    const policies = pipeline.createEmptyPipeline();
    if (this.#service.isRemote) policies.addPolicy(pipeline.proxyPolicy());
    const request = pipeline.createPipelineRequest({
      url,
      method,
      headers: pipeline.createHttpHeaders(headers),
      // A managed identity's endpoint is on the same machine and speaks plain HTTP.
      allowInsecureConnection: !this.#service.isRemote,
      // A request an hour is not worth a connection kept open.
      disableKeepAlive: true,
      ...(body !== undefined && { body }),
      ...(exchange.abortSignal && { abortSignal: exchange.abortSignal }),
    });

    const sentAt = Date.now();
    delete exchange.failure;
    try {
      const response = await policies.sendRequest(pipeline.createDefaultHttpClient(), request);
      const text = response.bodyAsText ?? '';
      const json = parseJson(text);
      if (response.status >= 200 && response.status < 300) {
        noteExpiry(exchange, sentAt, json);
      } else {
        exchange.failure = failedResponse(
          this.#service,
          response.status,
          json,
          response.headers.get('retry-after'),
        );
      }
      if (json === undefined) throw new Error('The response is no JSON.');
      // msal names the form that it expects and checks it itself.
      return { status: response.status, headers: response.headers.toJSON(), body: json as T };
    } catch (error) {
      exchange.failure ??= failedConnection(this.#service, error);
      throw error;
    }
  }
}

/** One request for a token, which may take several of HTTP. */
export interface Exchange {
  readonly abortSignal?: AbortSignalLike | undefined;
  /** When the token that was received last expires, in ms since 1970. */
  expiresOn?: number;
  failure?: FailedExchange;
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}

/** msal counts from the time of the request in rounded seconds, and so an expiry up to a second too late. */
function noteExpiry(exchange: Exchange, sentAt: number, json: Record<string, unknown> | undefined): void {
  if (json?.['access_token'] === undefined) return;
  // Managed identity endpoints give the same token out again, and say in expires_in how long it lived at first: there,
  // only expires_on (seconds since 1970) tells. Entra itself gives new tokens, without expires_on.
  const moment = Number(json['expires_on']) * 1000;
  const expiresOn = moment > 0 ? moment : sentAt + Number(json['expires_in']) * 1000;
  if (expiresOn > 0) exchange.expiresOn = expiresOn;
}

/** Entra and IMDS answer `{ error, error_description, error_codes }`, App Service `{ message }`. */
function failedResponse(
  { name }: IdentityService,
  statusCode: number,
  json: Record<string, unknown> = {},
  retryAfter: string | undefined,
): FailedExchange {
  const { error, error_description: description, error_codes: codes, message } = json;
  const reason = [error, description, message].filter((part) => typeof part === 'string').join(': ');
  return {
    service: name,
    statusCode,
    reason: reason === '' ? 'no reason was given' : reason,
    errorResponse: {
      ...(typeof error === 'string' && { error }),
      ...(Array.isArray(codes) && { errorCodes: codes.map(Number) }),
    },
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

function failedConnection({ name }: IdentityService, error: unknown): FailedExchange {
  if (!(error instanceof Error)) return { service: name, reason: 'no reason is known' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Node's error for a host with several addresses, none of which answers, has a code alone.
  return { service: name, reason: error.message || (code ?? 'no reason is known'), ...(code && { code }) };
}

function toAccessToken(result: AuthenticationResult | null, exchange: Readonly<Exchange>): AccessToken {
  const expiresOn = exchange.expiresOn ?? result?.expiresOn?.getTime();
  if (!result?.accessToken || expiresOn === undefined)
    throw new Error('The identity service gave no access token.');
  return {
    token: result.accessToken,
    expiresOnTimestamp: expiresOn,
    tokenType: 'Bearer',
    ...(result.refreshOn && { refreshAfterTimestamp: result.refreshOn.getTime() }),
  };
}

function aborted(cause: unknown): Error {
  const error = new Error('The request for a token was aborted.', { cause });
  error.name = 'AbortError';
  return error;
}
