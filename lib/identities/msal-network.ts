import { AsyncLocalStorage } from 'node:async_hooks';
import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import type {
  AuthenticationResult,
  INetworkModule,
  NetworkRequestOptions,
  NetworkResponse,
} from '@azure/msal-node';
import { messageOf, readField, redacted, withoutSecrets } from '../redaction.js';

type AbortSignalLike = NonNullable<GetTokenOptions['abortSignal']>;

/** Why an HTTP request failed: what msal drops, and nothing of the request, whose body contains the secret. */
interface Failure {
  readonly message: string;
  /** The response, or the code of the network error, in the shape of the Azure SDK's errors. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The state of one token request, which may take several HTTP requests. */
interface RequestContext {
  readonly abortSignal?: AbortSignalLike | undefined;
  /** The expiry of the last token that was received, in ms since 1970. */
  expiresOn?: number;
  /** Why the last request failed. */
  failure?: Failure | undefined;
  /** What was sent that an error may quote. */
  secrets: string[];
}

/** The parameters of a token request that are secrets. */
const SECRETS = ['client_secret', 'client_assertion', 'code', 'code_verifier', 'refresh_token'];

/**
 * The HTTP client of msal. By itself msal cannot abort a request, hides Retry-After and rounds the expiry to seconds. For
 * managed identities it keeps the first network of the process, so the state of a token request is in an asynchronous
 * context, not in the network.
 *
 * Requests use the pipeline of the Azure SDK, so that proxy settings (`HTTPS_PROXY`, `NO_PROXY`) and the certificates of
 * `https.globalAgent` apply as they do there.
 */
export class MsalNetwork implements INetworkModule {
  readonly #service: { readonly name: string; readonly isRemote: boolean };
  readonly #contexts = new AsyncLocalStorage<RequestContext>();

  /**
   * @param name The name of the service that msal sends requests to, to begin a sentence with.
   * @param isRemote Whether it is on the internet, possibly behind a proxy.
   */
  constructor(name: string, isRemote: boolean) {
    this.#service = { name, isRemote };
  }

  /** Runs an acquire function of msal and resolves to its token in the form of the Azure SDK. */
  acquire(
    abortSignal: AbortSignalLike | undefined,
    acquire: () => Promise<AuthenticationResult | null>,
  ): Promise<AccessToken> {
    return this.run(abortSignal, async (context) => toAccessToken(await acquire(), context));
  }

  /** Runs a function of msal; a failure rejects with the details of the response. */
  async run<Result>(
    abortSignal: AbortSignalLike | undefined,
    work: (context: Readonly<RequestContext>) => Promise<Result>,
  ): Promise<Result> {
    const context: RequestContext = { abortSignal, secrets: [] };
    try {
      return await this.#contexts.run(context, () => work(context));
    } catch (error) {
      const cause = withoutSecrets(error, context.secrets);
      if (abortSignal?.aborted === true) {
        throw Object.assign(new Error('The token request was aborted.', { cause }), { name: 'AbortError' });
      }
      const { failure } = context;
      if (!failure) throw error;
      throw Object.assign(new Error(redacted(failure.message, context.secrets), { cause }), failure.details);
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
    const [pipeline, { verifyingClient }] = await Promise.all([
      import('@azure/core-rest-pipeline'),
      import('./verifying-client.js'),
    ]);
    const { name, isRemote } = this.#service;
    const context = this.#contexts.getStore() ?? { secrets: [] };
    const parameters = new URLSearchParams(body);
    context.secrets.push(...SECRETS.flatMap((secret) => parameters.get(secret) ?? []));
    const policies = pipeline.createEmptyPipeline();
    if (isRemote) policies.addPolicy(pipeline.proxyPolicy());
    const request = pipeline.createPipelineRequest({
      url,
      method,
      headers: pipeline.createHttpHeaders(headers),
      // The endpoint of managed identities is on the same machine and uses plain HTTP.
      allowInsecureConnection: !isRemote,
      // Tokens are requested about hourly: a connection is not kept open for that.
      disableKeepAlive: true,
      ...(body !== undefined && { body }),
      ...(context.abortSignal && { abortSignal: context.abortSignal }),
    });

    const sentAt = Date.now();
    context.failure = undefined;
    try {
      const response = await policies.sendRequest(await verifyingClient(), request);
      const json = parseJson(response.bodyAsText ?? '');
      if (response.status >= 200 && response.status < 300) noteExpiry(context, sentAt, json);
      // The challenge of Azure Arc names the file of its key: msal sends the request again with the key, or cannot read it.
      else if (isRemote || !response.headers.has('www-authenticate'))
        context.failure = refusal(name, response, json);
      if (json === undefined) throw new Error('The response is not JSON.');
      // msal declares the type that it expects, and validates it.
      return { status: response.status, headers: response.headers.toJSON(), body: json as T };
    } catch (error) {
      context.failure ??= networkFailure(name, error);
      throw error;
    }
  }
}

/** The network of requests to Microsoft Entra. */
export const entraNetwork = new MsalNetwork('Microsoft Entra', true);

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}

/** Records the expiry: that of msal, in rounded seconds from the request, is up to a second late. */
function noteExpiry(context: RequestContext, sentAt: number, json: Record<string, unknown> = {}): void {
  if (json['access_token'] === undefined) return;
  // Managed identity endpoints return cached tokens, whose expires_in may be the original lifetime: only expires_on
  // (seconds since 1970) is right. Entra returns new tokens, without expires_on.
  const moment = Number(json['expires_on']) * 1000;
  const expiresOn = moment > 0 ? moment : sentAt + Number(json['expires_in']) * 1000;
  if (expiresOn > 0) context.expiresOn = expiresOn;
}

/**
 * Entra and IMDS respond with `{ error, error_description, error_codes }`, App Service with `{ message }`, Service Fabric and
 * Container Apps with `{ error: { code, message } }`.
 */
function refusal(
  name: string,
  { status, headers }: PipelineResponse,
  { error, error_description: description, error_codes: errorCodes, message }: Record<string, unknown> = {},
): Failure {
  const nested = ['code', 'message'].map((key) => readField(error, key));
  const reason = [error, description, message, ...nested]
    .filter((part) => typeof part === 'string')
    .join(': ');
  return {
    message: `${name} answered ${status}: ${reason === '' ? 'no reason given' : reason}`,
    details: {
      statusCode: status,
      errorResponse: { error, errorCodes },
      headers: { 'retry-after': headers.get('retry-after') },
    },
  };
}

function networkFailure(name: string, error: unknown): Failure {
  const code = readField(error, 'code');
  return { message: `${name} could not be reached: ${messageOf(error)}`, details: { code } };
}

function toAccessToken(result: AuthenticationResult | null, context: Readonly<RequestContext>): AccessToken {
  const expiresOn = context.expiresOn ?? result?.expiresOn?.getTime();
  if (!result?.accessToken || expiresOn === undefined)
    throw new Error('The identity service returned no access token.');
  return {
    token: result.accessToken,
    expiresOnTimestamp: expiresOn,
    tokenType: 'Bearer',
    ...(result.refreshOn && { refreshAfterTimestamp: result.refreshOn.getTime() }),
  };
}
