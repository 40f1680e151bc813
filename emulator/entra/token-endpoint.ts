import type { TokenAuthority } from '../tokens.js';
import type { Application } from './application.js';
import { checkClientAssertion } from './client-assertion.js';
import type { Directory } from './directory.js';
import type { TenantAddresses } from './discovery.js';
import {
  expiredSecret,
  invalidScope,
  missingParameter,
  needlessClientCredential,
  noClientCredential,
  postOnly,
  unknownResource,
  unsupportedGrant,
  wrongSecret,
} from './entra-error.js';
import type { FederatedIssuer } from './federated-issuer.js';
import type { EntraRequest, Reply } from './http.js';
import type { SignIn, SignIns } from './sign-ins.js';
import type { IssuedToken, TokenIssuer } from './token-issuer.js';

export interface TokenEndpointParts {
  readonly directory: Directory;
  readonly authority: TokenAuthority;
  readonly issuer: TokenIssuer;
  readonly signIns: SignIns;
  readonly federatedIssuer: FederatedIssuer;
  readonly resources: readonly string[];
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
// Scopes of OpenID Connect, which do not name a resource.
const OIDC_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

/** `/{tenant}/oauth2/v2.0/token`. */
export class TokenEndpoint {
  readonly #parts: TokenEndpointParts;

  constructor(parts: TokenEndpointParts) {
    this.#parts = parts;
  }

  async answer({ method, form }: EntraRequest, addresses: TenantAddresses): Promise<Reply> {
    if (method !== 'POST') throw postOnly();
    const grant = required(form, 'grant_type');
    const application = this.#parts.directory.application(required(form, 'client_id'));
    await this.#authenticate(application, form, addresses);
    switch (grant) {
      case 'client_credentials':
        return this.#clientCredentials(application, form);
      case 'authorization_code':
        return this.#authorizationCode(application, form, addresses);
      case 'password':
        return this.#password(form, addresses);
      case 'refresh_token':
        return this.#refreshToken(application, form, addresses);
      default:
        throw unsupportedGrant(grant);
    }
  }

  async #authenticate(
    application: Application,
    form: URLSearchParams,
    { tokenEndpoint, issuer }: TenantAddresses,
  ): Promise<void> {
    const secret = form.get('client_secret');
    const assertion = form.get('client_assertion');
    if (application.publicClient) {
      if (secret !== null || assertion !== null) throw needlessClientCredential();
    } else if (assertion !== null) {
      if (form.get('client_assertion_type') !== JWT_BEARER) throw missingParameter('client_assertion_type');
      await checkClientAssertion(application, assertion, {
        audiences: [tokenEndpoint, issuer],
        federatedIssuer: this.#parts.federatedIssuer,
      });
    } else if (secret !== null) {
      const state = application.secretState(secret);
      if (state === 'expired') throw expiredSecret(application.clientId);
      if (state === 'unknown') throw wrongSecret(application.clientId);
    } else {
      throw noClientCredential();
    }
  }

  async #clientCredentials(application: Application, form: URLSearchParams): Promise<Reply> {
    if (application.publicClient) throw noClientCredential();
    const scope = required(form, 'scope');
    if (!scope.endsWith('/.default')) throw invalidScope(scope);
    const token = await this.#parts.issuer.issue(application.objectId, this.#resourceOf(scope), {
      appid: application.clientId,
      appidacr: form.has('client_secret') ? '1' : '2',
      idtyp: 'app',
    });
    return { status: 200, body: tokenBody(token) };
  }

  #authorizationCode(
    application: Application,
    form: URLSearchParams,
    addresses: TenantAddresses,
  ): Promise<Reply> {
    const signIn = this.#parts.signIns.redeemCode({
      clientId: application.clientId,
      code: required(form, 'code'),
      redirectUri: required(form, 'redirect_uri'),
      codeVerifier: form.get('code_verifier') ?? undefined,
    });
    return this.#signedIn(signIn, form.get('scope') ?? signIn.scope, addresses);
  }

  #password(form: URLSearchParams, addresses: TenantAddresses): Promise<Reply> {
    const user = this.#parts.directory.signIn(required(form, 'username'), required(form, 'password'));
    const scope = required(form, 'scope');
    const signIn = {
      user,
      scope,
      clientId: required(form, 'client_id'),
      redirectUri: '',
      codeChallenge: undefined,
      nonce: undefined,
    };
    return this.#signedIn(signIn, scope, addresses);
  }

  #refreshToken(application: Application, form: URLSearchParams, addresses: TenantAddresses): Promise<Reply> {
    const signIn = this.#parts.signIns.redeemRefreshToken(
      required(form, 'refresh_token'),
      application.clientId,
    );
    return this.#signedIn(signIn, form.get('scope') ?? signIn.scope, addresses);
  }

  async #signedIn(signIn: SignIn, scope: string, addresses: TenantAddresses): Promise<Reply> {
    const { user, clientId } = signIn;
    const token = await this.#parts.issuer.issue(user.objectId, this.#resourceOf(scope), {
      appid: clientId,
      appidacr: '0',
      name: user.name,
      upn: user.username,
      unique_name: user.username,
      scp: 'user_impersonation',
    });
    const scopes = scope.split(' ');
    return {
      status: 200,
      body: {
        ...tokenBody(token),
        scope,
        ...(scopes.includes('offline_access') && {
          refresh_token: this.#parts.signIns.issueRefreshToken(signIn),
        }),
        ...(scopes.includes('openid') && { id_token: await this.#idToken(signIn, addresses) }),
        client_info: encode({ uid: user.objectId, utid: this.#parts.directory.tenantId }),
      },
    };
  }

  #idToken({ user, clientId, nonce }: SignIn, addresses: TenantAddresses): Promise<string> {
    const { authority, issuer } = this.#parts;
    return authority.sign(
      {
        iss: addresses.issuer,
        aud: clientId,
        oid: user.objectId,
        sub: user.objectId,
        name: user.name,
        preferred_username: user.username,
        ver: '2.0',
        ...(nonce !== undefined && { nonce }),
      },
      issuer.lifetime,
    );
  }

  /** The resource of a scope; throws if the tenant does not know it. */
  #resourceOf(scope: string): string {
    const [first = ''] = scope.split(' ').filter((part) => !OIDC_SCOPES.has(part));
    const resource = first.slice(0, first.lastIndexOf('/'));
    if (!this.#parts.resources.includes(resource))
      throw unknownResource(resource, this.#parts.directory.tenantId);
    return resource;
  }
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw missingParameter(name);
  return value;
}

function tokenBody({ accessToken, expiresIn, refreshIn }: IssuedToken): Record<string, unknown> {
  return {
    token_type: 'Bearer',
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    ...(refreshIn !== undefined && { refresh_in: refreshIn }),
    access_token: accessToken,
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
