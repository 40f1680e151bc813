import { randomBytes, randomUUID } from 'node:crypto';
import type { Directory, ManagedIdentity } from './directory.js';
import type { EntraRequest, Reply } from './http.js';
import type { IssuedToken, TokenIssuer } from './token-issuer.js';

type IdKind = keyof ManagedIdentity;

// The query parameters that name a user-assigned identity differ between the two endpoints.
const IMDS_IDS: Readonly<Record<string, IdKind>> = {
  client_id: 'clientId',
  object_id: 'objectId',
  msi_res_id: 'resourceId',
};
const APP_SERVICE_IDS: Readonly<Record<string, IdKind>> = {
  client_id: 'clientId',
  object_id: 'objectId',
  principal_id: 'objectId',
  mi_res_id: 'resourceId',
};

export interface MetadataParts {
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  readonly resources: readonly string[];
  /** Whether a token is returned again until half of its lifetime has passed. */
  readonly cachesTokens: boolean;
}

/** The endpoints from which programs in Azure request the tokens of their managed identities. */
export class MetadataEndpoint {
  /** The value of `X-IDENTITY-HEADER` that App Service's endpoint requires. */
  readonly identityHeader = randomBytes(16).toString('hex').toUpperCase();
  readonly #directory: Directory;
  readonly #issuer: TokenIssuer;
  readonly #resources: readonly string[];
  readonly #cache: Map<string, IssuedToken> | undefined;

  constructor({ directory, issuer, resources, cachesTokens }: MetadataParts) {
    this.#directory = directory;
    this.#issuer = issuer;
    this.#resources = resources;
    this.#cache = cachesTokens ? new Map() : undefined;
  }

  async answer(request: EntraRequest): Promise<Reply> {
    // msal ends the path with a slash.
    switch (request.url.pathname.replace(/\/$/, '')) {
      case '/metadata/identity/oauth2/token':
        return this.#imds(request);
      case '/msi/token':
        return this.#appService(request);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  /** `GET /metadata/identity/oauth2/token` of a virtual machine's instance metadata service. */
  async #imds({ method, url, headers }: EntraRequest): Promise<Reply> {
    const query = url.searchParams;
    if (headers['metadata'] !== 'true') {
      return imdsError('bad_request_102', 'Required metadata header not specified');
    }
    if (headers['x-forwarded-for'] !== undefined) {
      return imdsError('bad_request_103', 'The X-Forwarded-For header is not allowed');
    }
    if (method !== 'GET') return { status: 405, body: { error: 'method_not_allowed' } };
    if (!query.has('api-version'))
      return imdsError('invalid_request', "Required query variable 'api-version' is missing");
    const resource = query.get('resource');
    if (!resource) return imdsError('invalid_request', "Required query variable 'resource' is missing");
    if (!this.#resources.includes(resource)) {
      return imdsError(
        'invalid_resource',
        `AADSTS500011: The resource principal named ${resource} was not found in the tenant named ${this.#directory.tenantId}.`,
      );
    }
    const ids = idsIn(query, IMDS_IDS);
    if (ids.length > 1)
      return imdsError('invalid_request', 'Only one of client_id, object_id and msi_res_id may be given');
    const identity = this.#directory.managedIdentity(ids[0]);
    if (!identity) return imdsError('invalid_request', 'Identity not found');
    const token = await this.#issue(identity, resource);
    const { expiresIn, refreshIn } = token;
    return {
      status: 200,
      body: {
        ...commonBody(token, identity, resource),
        expires_in: String(expiresIn),
        ext_expires_in: String(expiresIn),
        not_before: String(token.expiresOn - expiresIn),
        ...(refreshIn !== undefined && { refresh_in: String(refreshIn) }),
      },
    };
  }

  /** `GET $IDENTITY_ENDPOINT` of App Service, Functions and Container Apps. */
  async #appService({ method, url, headers }: EntraRequest): Promise<Reply> {
    const query = url.searchParams;
    if (headers['x-identity-header'] !== this.identityHeader) return appServiceError(401, 'Unauthorized');
    if (method !== 'GET') return appServiceError(405, 'Method not allowed');
    if (query.get('api-version') !== '2019-08-01')
      return appServiceError(400, 'The api-version is not supported.');
    const resource = query.get('resource');
    if (!resource) return appServiceError(400, 'Required query variable resource is missing.');
    if (!this.#resources.includes(resource)) {
      return appServiceError(400, `AADSTS500011: The resource principal named ${resource} was not found.`);
    }
    const ids = idsIn(query, APP_SERVICE_IDS);
    if (ids.length > 1) return appServiceError(400, 'Only one identity may be specified.');
    const identity = this.#directory.managedIdentity(ids[0]);
    if (!identity) {
      return appServiceError(
        400,
        'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
      );
    }
    const token = await this.#issue(identity, resource);
    return { status: 200, body: commonBody(token, identity, resource) };
  }

  async #issue({ objectId, clientId, resourceId }: ManagedIdentity, resource: string): Promise<IssuedToken> {
    const cacheKey = `${objectId} ${resource}`;
    const cached = this.#cache?.get(cacheKey);
    if (cached && cached.expiresOn - Date.now() / 1000 > cached.expiresIn / 2) return cached;
    const token = await this.#issuer.issue(objectId, resource, {
      appid: clientId,
      appidacr: '2',
      idtyp: 'app',
      xms_mirid: resourceId,
    });
    this.#cache?.set(cacheKey, token);
    return token;
  }
}

function idsIn(
  query: URLSearchParams,
  names: Readonly<Record<string, IdKind>>,
): { kind: IdKind; value: string }[] {
  return Object.entries(names).flatMap(([name, kind]) => {
    const value = query.get(name);
    return value === null ? [] : [{ kind, value }];
  });
}

/** Both endpoints return numbers as strings. */
function commonBody(
  token: IssuedToken,
  { clientId }: ManagedIdentity,
  resource: string,
): Record<string, string> {
  return {
    access_token: token.accessToken,
    client_id: clientId,
    expires_on: String(token.expiresOn),
    resource,
    token_type: 'Bearer',
  };
}

function imdsError(error: string, description: string): Reply {
  return { status: 400, body: { error, error_description: description } };
}

function appServiceError(statusCode: number, message: string): Reply {
  return { status: statusCode, body: { statusCode, message, correlationId: randomUUID() } };
}
