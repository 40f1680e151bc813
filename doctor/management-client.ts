import type { TokenCredential } from '@azure/core-auth';
import type { PipelineResponse } from '@azure/core-rest-pipeline';
import { AzureRedisError } from '../lib/errors.js';
import { azureEndpoint } from '../lib/configure/azure-endpoints.js';
import { credentialOf } from '../lib/configure/identity.js';
import type { Cloud } from '../lib/identities/authority.js';
import { classifyIdentityError } from '../lib/identities/identity-errors.js';
import { messageOf, withoutTokens } from '../lib/redaction.js';
import { withTimeout } from '../lib/timing/timeouts.js';
import { invalidOption, shown } from '../lib/validation.js';
import { type DiagnosisContext, TOKEN_TIMEOUT_FACTOR } from './context.js';
import type { DiagnoseOptions } from './options.js';

/** A resource as Azure Resource Manager returns it. */
export interface AzureResource {
  readonly name?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly zones?: readonly string[];
  readonly sku?: { readonly name?: string };
}

/** A request that Azure Resource Manager did not answer with a resource. */
export class ManagementError extends Error {
  /** The HTTP status; `undefined` if there was no answer. */
  readonly status: number | undefined;
  /** What to do, if the identity was refused. */
  readonly hint: string | undefined;

  constructor(message: string, { status, hint }: { status?: number; hint?: string } = {}) {
    super(withoutTokens(message));
    this.status = status;
    this.hint = hint;
  }
}

/** Source: the endpoints of Azure's clouds, `az cloud list`. */
const ENDPOINTS: Readonly<Record<Cloud, string>> = {
  public: 'https://management.azure.com',
  usGovernment: 'https://management.usgovcloudapi.net',
  china: 'https://management.chinacloudapi.cn',
};

/** The URL of Azure Resource Manager. @throws AzureRedisError `INVALID_OPTION`. */
export function managementEndpoint({ managementEndpoint: given, cloud, host }: DiagnoseOptions): string {
  if (given === undefined) return ENDPOINTS[cloud ?? azureEndpoint(host)?.cloud ?? 'public'];
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol === 'https:') return url.origin;
  throw invalidOption(
    `\`managementEndpoint\` must be an https URL, got ${shown(given)}.`,
    `Remove it, or set it to a URL such as ${ENDPOINTS.public}.`,
  );
}

/** Reads resources from Azure Resource Manager with the token of one identity. */
export class ManagementClient {
  readonly #endpoint: string;
  readonly #credential: TokenCredential;
  readonly #context: DiagnosisContext;
  #token: Promise<string> | undefined;

  constructor(context: DiagnosisContext) {
    const { options, authorityHost } = context;
    this.#endpoint = managementEndpoint(options);
    this.#credential = options.managementCredential ?? credentialOf(options, { authorityHost });
    this.#context = context;
  }

  /** @throws ManagementError */
  async get(path: string, apiVersion: string): Promise<AzureResource> {
    return (await this.#request(`${this.#endpoint}${path}?api-version=${apiVersion}`)) as AzureResource;
  }

  /** All pages of a list. @throws ManagementError */
  async list(path: string, apiVersion: string): Promise<AzureResource[]> {
    const resources: AzureResource[] = [];
    let url: string | undefined = `${this.#endpoint}${path}?api-version=${apiVersion}`;
    while (url !== undefined) {
      const page = (await this.#request(url)) as { value?: AzureResource[]; nextLink?: string };
      resources.push(...(page.value ?? []));
      url = page.nextLink;
    }
    return resources;
  }

  async #request(url: string): Promise<unknown> {
    // A next page of another origin would get the token.
    if (new URL(url).origin !== this.#endpoint)
      throw new ManagementError('The next page is at another origin.');
    this.#token ??= this.#acquireToken();
    const token = await this.#token;
    const { timeout, signal } = this.#context;
    const pipeline = await import('@azure/core-rest-pipeline');
    const policies = pipeline.createEmptyPipeline();
    policies.addPolicy(pipeline.proxyPolicy());
    const send = (timeoutSignal: AbortSignal): Promise<PipelineResponse> => {
      const request = pipeline.createPipelineRequest({
        url,
        headers: pipeline.createHttpHeaders({ authorization: `Bearer ${token}`, accept: 'application/json' }),
        abortSignal: AbortSignal.any([signal, timeoutSignal]),
        disableKeepAlive: true,
      });
      return policies.sendRequest(pipeline.createDefaultHttpClient(), request);
    };
    const { status, bodyAsText } = await withTimeout(send, timeout).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new ManagementError(`Azure Resource Manager does not answer: ${messageOf(error)}`);
    });
    const body = parse(bodyAsText ?? '');
    if (status === 200) return body;
    const { code = '', message = '' } = (body as { error?: { code?: string; message?: string } }).error ?? {};
    throw new ManagementError(`Azure Resource Manager answered ${status} ${code}: ${message}`, { status });
  }

  async #acquireToken(): Promise<string> {
    const { timeout, signal } = this.#context;
    try {
      const accessToken = await withTimeout(
        (timeoutSignal) =>
          this.#credential.getToken(`${this.#endpoint}/.default`, {
            abortSignal: AbortSignal.any([signal, timeoutSignal]),
          }),
        timeout * TOKEN_TIMEOUT_FACTOR,
      );
      if (accessToken) return accessToken.token;
      throw new AzureRedisError(
        'TOKEN_UNAVAILABLE',
        'The credential returned no access token.',
        'Run `az login`.',
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new ManagementError(`No token for Azure Resource Manager was acquired: ${messageOf(error)}`, {
        hint: classifyIdentityError(error).hint,
      });
    }
  }
}

function parse(text: string): object {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}
