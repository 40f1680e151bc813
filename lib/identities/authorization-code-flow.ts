import { randomBytes } from 'node:crypto';
import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { AuthenticationResult, PublicClientApplication } from '@azure/msal-node';
import { AzureRedisError } from '../errors.js';
import { Mutex, withTimeout } from '../timing/timeouts.js';
import { checkFields, checkText, invalidOption, kindOf } from '../validation.js';
import { authorityHostOf, DEFAULT_SCOPE } from './authority.js';
import { classifyIdentityError, tokenRequestError } from './identity-errors.js';
import { entraNetwork } from './msal-network.js';
import { checkClientId, checkTenantId } from './service-principal.js';

/** The options of an `AuthorizationCodeFlow`. */
export interface AuthorizationCodeFlowOptions {
  /** The "Application (client) ID" of the app registration, which must allow public client flows. */
  readonly clientId: string;
  /** The "Directory (tenant) ID", a domain name of the tenant, or `organizations` for the user's own. */
  readonly tenantId: string;
  /** The URL that the browser returns to: one of the "Mobile and desktop" redirect URIs of the app registration. */
  readonly redirectUri: string;
  /** The URL of the identity service. Default: `AZURE_AUTHORITY_HOST`, else Azure's public cloud. */
  readonly authorityHost?: string | undefined;
  /** The scope of the tokens. Default: `https://redis.azure.com/.default`. */
  readonly scope?: string | undefined;
}

/** The longest time that a step of a sign-in may take, in ms: the user waits for it. */
const REQUEST_TIMEOUT = 30_000;

/**
 * The sign-in of one user in a browser (OAuth's authorization code flow for public clients, with PKCE). The user must
 * have an access policy on the cache.
 *
 * @example
 * ```ts
 * const flow = new AuthorizationCodeFlow({ clientId, tenantId, redirectUri: 'http://localhost:8400' });
 * // Open this in the browser of the user, and wait until it is redirected to redirectUri.
 * const url = await flow.authorizationUrl();
 * const credential = await flow.redeem(redirectedUrl);
 * const redis = new Redis(await configureForAzure({ host, credential }));
 * ```
 */
export class AuthorizationCodeFlow {
  readonly #application: UserApplication;
  /** The sign-in in progress. */
  #pending: { readonly state: string; readonly nonce: string; readonly codeVerifier: string } | undefined;

  /** @throws AzureRedisError `INVALID_OPTION`. */
  constructor(options: AuthorizationCodeFlowOptions) {
    this.#application = applicationOf(options);
  }

  /**
   * Begins a sign-in and returns the URL of the page on which the user signs in. A second call replaces the sign-in that
   * the first one began.
   *
   * @throws AzureRedisError `TOKEN_REFUSED` or `TOKEN_UNAVAILABLE` when a private authority does not answer the request
   * for its metadata; that of Microsoft's authorities is known.
   */
  async authorizationUrl(): Promise<string> {
    const { CryptoProvider } = await import('@azure/msal-node');
    const { verifier: codeVerifier, challenge: codeChallenge } =
      await new CryptoProvider().generatePkceCodes();
    const [state, nonce] = [randomText(), randomText()];
    const { redirectUri, scope } = this.#application;
    const client = await clientOf(this.#application);
    const parameters = { state, nonce, codeChallenge, codeChallengeMethod: 'S256' };
    const url = await withTimeout(
      (signal) =>
        entraNetwork.run(signal, () =>
          client.getAuthCodeUrl({ scopes: [scope], redirectUri, ...parameters }),
        ),
      REQUEST_TIMEOUT,
    ).catch((error: unknown) => {
      throw tokenRequestError('The sign-in could not begin', error);
    });
    this.#pending = { state, nonce, codeVerifier };
    return url;
  }

  /**
   * Completes the sign-in with the URL that the browser was redirected to. The credential acquires tokens without the
   * user, for as long as Entra accepts the sign-in.
   *
   * @throws AzureRedisError `TOKEN_REFUSED` when the user or Entra refused, or the URL does not answer this sign-in;
   * `TOKEN_UNAVAILABLE` when Entra could not be reached, after which the sign-in must begin again.
   */
  async redeem(redirectedUrl: string | URL): Promise<TokenCredential> {
    const pending = this.#pending;
    if (!pending) {
      throw refused(
        'No sign-in is in progress.',
        'Call authorizationUrl() first. A sign-in can be redeemed once, by the flow that began it.',
      );
    }
    const { state, ...secrets } = pending;
    const code = codeIn(String(redirectedUrl), state);
    // Entra accepts a code once, whatever the outcome.
    this.#pending = undefined;
    const credential = new UserCredential(this.#application);
    await withTimeout((signal) => credential.redeem({ code, ...secrets }, signal), REQUEST_TIMEOUT).catch(
      (error: unknown) => {
        throw tokenRequestError('The sign-in could not be completed', error);
      },
    );
    return credential;
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url');
}

type UserApplication = ReturnType<typeof applicationOf>;

/** The application that the user signs in to, at an authority host with its tenant. */
function applicationOf(options: AuthorizationCodeFlowOptions) {
  checkFields('options', options, ['clientId', 'tenantId', 'redirectUri', 'authorityHost', 'scope']);
  const { clientId, tenantId, redirectUri, authorityHost, scope = DEFAULT_SCOPE } = options;
  checkClientId('clientId', clientId);
  checkTenantId('tenantId', tenantId);
  const hint =
    'Set it to one of the "Mobile and desktop" redirect URIs of the app registration, for example http://localhost:8400.';
  if (!URL.canParse(checkText('redirectUri', redirectUri, hint)))
    throw invalidOption('`redirectUri` must be a URL, got another string.', hint);
  checkText('scope', scope, `Set it to a scope such as ${DEFAULT_SCOPE}, or remove it.`);
  return { clientId, authority: `${authorityHostOf(authorityHost)}/${tenantId}`, redirectUri, scope };
}

/** The authorization code in the redirected URL, if it answers the sign-in with this state. */
function codeIn(redirectedUrl: string, state: string): string {
  if (!URL.canParse(redirectedUrl)) {
    throw invalidOption(
      `\`redirectedUrl\` must be a URL, got ${redirectedUrl === '' ? kindOf(redirectedUrl) : 'another string'}.`,
      'Pass the complete URL that the browser was redirected to.',
    );
  }
  const parameters = new URL(redirectedUrl).searchParams;
  if (parameters.get('state') !== state) {
    throw refused(
      'The redirected URL does not belong to this sign-in: its `state` differs.',
      'Redeem the URL with the flow whose authorizationUrl() was opened last. If no other was opened, this may be an attempt to inject a foreign sign-in.',
    );
  }
  const error = parameters.get('error');
  if (error !== null) {
    const description = parameters.get('error_description') ?? '';
    const { hint } = classifyIdentityError({ message: description, errorCode: error });
    throw refused(`The sign-in was refused: ${error}: ${description}`, hint);
  }
  const code = parameters.get('code');
  if (code === null || code === '') {
    throw refused(
      'The redirected URL has no `code`.',
      'Pass the complete URL that the browser was redirected to, with its query.',
    );
  }
  return code;
}

function refused(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('TOKEN_REFUSED', message, hint);
}

/** A new client for each request, since a client of msal caches an error of the service for a minute or more. */
async function clientOf({ clientId, authority }: UserApplication): Promise<PublicClientApplication> {
  const { PublicClientApplication } = await import('@azure/msal-node');
  return new PublicClientApplication({
    auth: { clientId, authority, knownAuthorities: [new URL(authority).host] },
    system: { networkClient: entraNetwork },
  });
}

/** The credential of a user, which acquires tokens once a code has been redeemed. */
class UserCredential implements TokenCredential {
  readonly #application: UserApplication;
  /** The state of msal, which holds the account and its refresh token. */
  #cache = '{}';
  /** The token that was issued with the sign-in, until it has been returned. */
  #first: AccessToken | undefined;
  /** Serialises the requests: each one replaces the refresh token. */
  readonly #mutex = new Mutex();

  constructor(application: UserApplication) {
    this.#application = application;
  }

  async redeem(
    parameters: { code: string; codeVerifier: string; nonce: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { redirectUri, scope } = this.#application;
    this.#first = await this.#acquire(signal, (client) =>
      client.acquireTokenByCode({ scopes: [scope], redirectUri, ...parameters }),
    );
  }

  getToken(scopes: string | string[], { abortSignal }: GetTokenOptions = {}): Promise<AccessToken> {
    return this.#mutex.runExclusive(() => this.#next([scopes].flat(), abortSignal));
  }

  async #next(scopes: string[], abortSignal: GetTokenOptions['abortSignal']): Promise<AccessToken> {
    const first = this.#first;
    this.#first = undefined;
    const hasScope = scopes.length === 1 && scopes[0] === this.#application.scope;
    if (first && hasScope && first.expiresOnTimestamp > Date.now()) return first;
    return this.#acquire(abortSignal, async (client) => {
      const [account] = await client.getTokenCache().getAllAccounts();
      if (account) return client.acquireTokenSilent({ account, scopes, forceRefresh: true });
      throw refused(
        'The sign-in named no user.',
        'Let the user sign in again with a new AuthorizationCodeFlow.',
      );
    });
  }

  async #acquire(
    abortSignal: GetTokenOptions['abortSignal'],
    acquire: (client: PublicClientApplication) => Promise<AuthenticationResult>,
  ): Promise<AccessToken> {
    const client = await clientOf(this.#application);
    const cache = client.getTokenCache();
    cache.deserialize(this.#cache);
    return entraNetwork.acquire(abortSignal, async () => {
      const result = await acquire(client);
      this.#cache = cache.serialize();
      return result;
    });
  }
}
