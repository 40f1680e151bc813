import type { TokenCredential } from '@azure/core-auth';
import {
  bearerTokenAuthenticationPolicy,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { credentialOf } from '../lib/configure/identity.js';
import { classifyIdentityError } from '../lib/identities/identity-errors.js';
import { verifyingClient } from '../lib/identities/verifying-client.js';
import { messageOf, redacted } from '../lib/redaction.js';
import { withTimeout } from '../lib/timing/timeouts.js';
import { isObject } from '../lib/validation.js';
import type { Context } from './options.js';

/**
 * Creates a function that sends a GET request through the proxy of the environment, once. An answer of any status is an
 * answer; it rejects if there is none in time.
 *
 * @param authorization The identity whose token is sent, and the scope of the token.
 */
function createGet(
  { stepTimeout, signal }: Context,
  authorization?: { readonly credential: TokenCredential; readonly scopes: string },
) {
  const pipeline = createPipelineFromOptions({
    retryOptions: { maxRetries: 0 },
    // Another server must not receive the token.
    redirectOptions: { maxRetries: 0 },
  });
  if (authorization) pipeline.addPolicy(bearerTokenAuthenticationPolicy(authorization));
  const settings = { timeout: stepTimeout, abortSignal: signal, disableKeepAlive: true };
  return async (url: string) =>
    pipeline.sendRequest(await verifyingClient(), createPipelineRequest({ url, ...settings }));
}

/** The header `Date` has whole seconds: on average it is half a second late, in ms. */
const DATE_RESOLUTION = 500;

/** The lead of the local clock over that of the identity service, in ms; `undefined` if the service does not answer. */
export async function measureClock(context: Context): Promise<number | undefined> {
  const sentAt = Date.now();
  try {
    const get = createGet(context);
    const { headers } = await get(`${context.authorityHost}/common/v2.0/.well-known/openid-configuration`);
    const date = Date.parse(headers.get('date') ?? '');
    return Number.isNaN(date) ? undefined : (sentAt + Date.now()) / 2 - (date + DATE_RESOLUTION);
  } catch {
    // The identity section reports a service that cannot be reached, if the identity needs it.
    return undefined;
  }
}

/** A resource as Azure Resource Manager returns it. */
export interface AzureResource {
  readonly name?: string;
  readonly properties?: unknown;
  readonly zones?: readonly string[];
}

/** An answer of Azure Resource Manager: a resource, a page of a list, or an error. */
interface Answer extends AzureResource {
  readonly value?: readonly AzureResource[];
  readonly nextLink?: string;
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** A request that Azure Resource Manager did not answer with a resource. */
export class ManagementError extends Error {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** What to do, if the identity was refused. */
  readonly hint: string | undefined;

  constructor(message: string, { status = 0, hint }: { status?: number; hint?: string } = {}) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** The most pages of a list that are read: no cache has as many settings. */
const MAX_PAGES = 20;

/** Reads resources from Azure Resource Manager with the token of one identity. */
export class ManagementClient {
  readonly #endpoint: string;
  readonly #get: ReturnType<typeof createGet>;

  constructor(context: Context) {
    this.#endpoint = context.managementEndpoint;
    const scopes = `${this.#endpoint}/.default`;
    this.#get = createGet(context, { credential: credentialFor(context), scopes });
  }

  /** @throws ManagementError */
  async get(path: string, apiVersion: string): Promise<Answer> {
    return this.#request(`${this.#endpoint}${path}?api-version=${apiVersion}`);
  }

  /** All pages of a list. @throws ManagementError */
  async list(path: string, apiVersion: string): Promise<AzureResource[]> {
    const resources: AzureResource[] = [];
    let page = await this.get(path, apiVersion);
    for (let pages = 1; ; pages += 1) {
      resources.push(...(page.value ?? []));
      if (page.nextLink === undefined) return resources;
      if (pages === MAX_PAGES)
        throw new ManagementError(`The list ${path} has more than ${MAX_PAGES} pages.`);
      page = await this.#request(page.nextLink);
    }
  }

  async #request(url: string): Promise<Answer> {
    // A next page of another origin would get the token.
    if (!URL.canParse(url) || new URL(url).origin !== this.#endpoint)
      throw new ManagementError('The link to the next page does not lead to Azure Resource Manager.');
    const { status, bodyAsText } = await this.#get(url).catch((error: unknown) => {
      if (error instanceof ManagementError) throw error;
      throw new ManagementError(`Azure Resource Manager does not answer: ${messageOf(error)}`);
    });
    const body = parse(bodyAsText ?? '');
    if (status === 200) return body;
    const { code = '', message = '' } = body.error ?? {};
    throw new ManagementError(`Azure Resource Manager answered ${status} ${code}: ${message}`, { status });
  }
}

/** The credential of Azure Resource Manager: it fails with a ManagementError, and gets the time of a token. */
function credentialFor({ options, authorityHost, tokenTimeout }: Context): TokenCredential {
  const credential = options.managementCredential ?? credentialOf(options, authorityHost);
  return {
    getToken: (scopes, tokenOptions) =>
      withTimeout(
        (timeoutSignal) => credential.getToken(scopes, { ...tokenOptions, abortSignal: timeoutSignal }),
        tokenTimeout,
      ).catch((error: unknown) => {
        const reason = redacted(messageOf(error));
        throw new ManagementError(`No token for Azure Resource Manager was acquired: ${reason}`, {
          hint: classifyIdentityError(error).hint,
        });
      }),
  };
}

function parse(text: string): Answer {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : {};
  } catch {
    return {};
  }
}
