import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { AccountInfo, AuthenticationResult, PublicClientApplication } from '@azure/msal-node';
import { AzureRedisError } from '../errors.js';
import { Mutex } from '../timing/mutex.js';
import { MsalNetwork } from './msal-network.js';

/** The application that the user signs in to. */
export interface UserCredentialOptions {
  readonly clientId: string;
  /** The authority host with the tenant. */
  readonly authority: string;
  readonly redirectUri: string;
  readonly scope: string;
}

/** The state of msal for a user who has signed in; `cache` holds the refresh token. */
interface SignedIn {
  readonly account: AccountInfo;
  readonly cache: string;
}

const network = new MsalNetwork({ name: 'Microsoft Entra', isRemote: true });

/**
 * The credential of a user, which acquires tokens once a code has been redeemed.
 *
 * Each request uses a new client with the saved state of the sign-in, since a client of msal caches an error of the
 * service for a minute or more.
 */
export class UserCredential implements TokenCredential {
  readonly #options: UserCredentialOptions;
  #signedIn: SignedIn | undefined;
  /** The token that was issued with the sign-in, until it has been returned. */
  #first: AccessToken | undefined;
  /** Serialises the requests: each one replaces the refresh token. */
  readonly #mutex = new Mutex();

  constructor(options: UserCredentialOptions) {
    this.#options = options;
  }

  async authorizationUrl(parameters: {
    state: string;
    nonce: string;
    codeChallenge: string;
  }): Promise<string> {
    const { redirectUri, scope } = this.#options;
    const client = await this.#client();
    return network.run(undefined, () =>
      client.getAuthCodeUrl({ scopes: [scope], redirectUri, codeChallengeMethod: 'S256', ...parameters }),
    );
  }

  async redeem(parameters: { code: string; codeVerifier: string; nonce: string }): Promise<void> {
    const { redirectUri, scope } = this.#options;
    this.#first = await this.#acquire(undefined, (client) =>
      client.acquireTokenByCode({ scopes: [scope], redirectUri, ...parameters }),
    );
  }

  getToken(scopes: string | string[], { abortSignal }: GetTokenOptions = {}): Promise<AccessToken> {
    return this.#mutex.runExclusive(() => this.#next([scopes].flat(), abortSignal));
  }

  async #next(scopes: string[], abortSignal: GetTokenOptions['abortSignal']): Promise<AccessToken> {
    const first = this.#first;
    this.#first = undefined;
    const hasScope = scopes.length === 1 && scopes[0] === this.#options.scope;
    if (first && hasScope && first.expiresOnTimestamp > Date.now()) return first;
    const account = this.#signedIn?.account;
    if (!account) {
      throw new AzureRedisError(
        'TOKEN_REFUSED',
        'No user has signed in.',
        'Call redeem() of the AuthorizationCodeFlow first.',
      );
    }
    return this.#acquire(abortSignal, (client) =>
      client.acquireTokenSilent({ account, scopes, forceRefresh: true }),
    );
  }

  async #acquire(
    abortSignal: GetTokenOptions['abortSignal'],
    acquire: (client: PublicClientApplication) => Promise<AuthenticationResult>,
  ): Promise<AccessToken> {
    const client = await this.#client();
    if (this.#signedIn) client.getTokenCache().deserialize(this.#signedIn.cache);
    return network.acquire(abortSignal, async () => {
      const result = await acquire(client);
      const account = result.account ?? this.#signedIn?.account;
      if (account) this.#signedIn = { account, cache: client.getTokenCache().serialize() };
      return result;
    });
  }

  async #client(): Promise<PublicClientApplication> {
    const { PublicClientApplication } = await import('@azure/msal-node');
    const { clientId, authority } = this.#options;
    return new PublicClientApplication({
      auth: { clientId, authority, knownAuthorities: [new URL(authority).host] },
      system: { networkClient: network },
    });
  }
}
