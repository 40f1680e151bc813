import type { TokenAuthority } from '../tokens.js';
import { RESPONSE_MODES } from './authorize-endpoint.js';
import { EntraError } from './entra-error.js';
import type { Reply } from './http.js';

/** The URLs of a tenant's endpoints. */
export interface TenantAddresses {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly authorizeEndpoint: string;
  readonly keys: string;
  readonly openidConfiguration: string;
}

export function tenantAddresses(origin: string, tenant: string): TenantAddresses {
  const base = `${origin}/${tenant}`;
  return {
    issuer: `${base}/v2.0`,
    tokenEndpoint: `${base}/oauth2/v2.0/token`,
    authorizeEndpoint: `${base}/oauth2/v2.0/authorize`,
    keys: `${base}/discovery/v2.0/keys`,
    openidConfiguration: `${base}/v2.0/.well-known/openid-configuration`,
  };
}

/** `/{tenant}/v2.0/.well-known/openid-configuration`. */
export function openidConfiguration(addresses: TenantAddresses): Reply {
  return {
    status: 200,
    body: {
      token_endpoint: addresses.tokenEndpoint,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
      jwks_uri: addresses.keys,
      response_modes_supported: RESPONSE_MODES,
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code'],
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      issuer: addresses.issuer,
      authorization_endpoint: addresses.authorizeEndpoint,
      claims_supported: [
        'sub',
        'iss',
        'aud',
        'exp',
        'iat',
        'nonce',
        'preferred_username',
        'name',
        'tid',
        'ver',
      ],
    },
  };
}

/** `/{tenant}/discovery/v2.0/keys`. */
export function keys(authority: TokenAuthority): Reply {
  return { status: 200, body: { keys: [authority.publicKey] } };
}

/** `/common/discovery/instance`: whether an authority belongs to this cloud. */
export function instanceDiscovery(origin: string, query: URLSearchParams): Reply {
  const endpoint = query.get('authorization_endpoint') ?? '';
  const { host } = new URL(origin);
  if (!URL.canParse(endpoint) || new URL(endpoint).host !== host) {
    throw new EntraError(400, 'invalid_instance', 50049, 'Unknown or invalid instance.');
  }
  const [, tenant = 'common'] = new URL(endpoint).pathname.split('/');
  return {
    status: 200,
    body: {
      tenant_discovery_endpoint: tenantAddresses(origin, tenant).openidConfiguration,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    },
  };
}
