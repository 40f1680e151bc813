import type { TokenAuthority } from '../tokens.js';
import { AuthorizeEndpoint } from './authorize-endpoint.js';
import type { Directory } from './directory.js';
import { instanceDiscovery, keys, openidConfiguration, tenantAddresses } from './discovery.js';
import { EntraError } from './entra-error.js';
import type { FederatedIssuer } from './federated-issuer.js';
import { type EntraRequest, errorReply, type Reply } from './http.js';
import type { SignIns } from './sign-ins.js';
import { TokenEndpoint } from './token-endpoint.js';
import type { TokenIssuer } from './token-issuer.js';

export interface AuthorityParts {
  readonly directory: Directory;
  readonly authority: TokenAuthority;
  readonly issuer: TokenIssuer;
  readonly signIns: SignIns;
  readonly federatedIssuer: FederatedIssuer;
  readonly resources: readonly string[];
}

/** The endpoints under `authorityHost`. */
export class AuthorityEndpoints {
  readonly #directory: Directory;
  readonly #authority: TokenAuthority;
  readonly #tokenEndpoint: TokenEndpoint;
  readonly #authorizeEndpoint: AuthorizeEndpoint;

  constructor(parts: AuthorityParts) {
    this.#directory = parts.directory;
    this.#authority = parts.authority;
    this.#tokenEndpoint = new TokenEndpoint(parts);
    this.#authorizeEndpoint = new AuthorizeEndpoint(parts.directory, parts.signIns);
  }

  async answer(request: EntraRequest, origin: string): Promise<Reply> {
    try {
      return await this.#answer(request, origin);
    } catch (error) {
      if (error instanceof EntraError) return errorReply(error);
      throw error;
    }
  }

  async #answer(request: EntraRequest, origin: string): Promise<Reply> {
    const [, tenant = '', ...rest] = request.url.pathname.split('/');
    const path = rest.join('/');
    if (path === 'discovery/instance') return instanceDiscovery(origin, request.url.searchParams);
    this.#directory.checkTenant(tenant);
    const addresses = tenantAddresses(origin, this.#directory.tenantId);
    switch (path) {
      case 'v2.0/.well-known/openid-configuration':
        return openidConfiguration(addresses);
      case 'discovery/v2.0/keys':
        return keys(this.#authority);
      case 'oauth2/v2.0/token':
        return this.#tokenEndpoint.answer(request, addresses);
      case 'oauth2/v2.0/authorize':
        return this.#authorizeEndpoint.authorize(request);
      case 'login':
        return this.#authorizeEndpoint.login(request);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }
}
