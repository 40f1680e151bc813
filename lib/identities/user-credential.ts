import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { AccountInfo, AuthenticationResult, PublicClientApplication } from '@azure/msal-node';
import { AzureRedisError } from '../errors.js';
import { MsalNetwork } from './msal-network.js';

/** The application that a user signs in to. */
export interface UserSessionOptions {
  readonly clientId: string;
  /** The authority host with the tenant. */
  readonly authority: string;
  readonly redirectUri: string;
  readonly scope: string;
}

/** What msal knows of a user who has signed in: the refresh token is in `cache`. */
interface SignedIn {
  readonly account: AccountInfo;
  readonly cache: string;
}

const network = new MsalNetwork({ name: 'Microsoft Entra', isRemote: true });

/**
 * A user's sign-in: a credential, once a code has been redeemed.
 *
 * Each request is made by a client of its own, into which what is known of the sign-in is put: msal's clients remember
 * a fault of the service for a minute or more, in which they answer with it by themselves.
 */
export class UserCredential implements TokenCredential {
  readonly #options: UserSessionOptions;
  #signedIn: SignedIn | undefined;
  /** The token that came with the sign-in, until it has been handed out. */
  #first: AccessToken | undefined;
  /** Requests follow one another, for each uses up the refresh token and brings the next. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: UserSessionOptions) {
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
    const next = this.#last.then(() => this.#next([scopes].flat(), abortSignal));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #next(scopes: string[], abortSignal: GetTokenOptions['abortSignal']): Promise<AccessToken> {
    const first = this.#first;
    this.#first = undefined;
    const isForThis = scopes.length === 1 && scopes[0] === this.#options.scope;
    if (first && isForThis && first.expiresOnTimestamp > Date.now()) return first;
    const account = this.#signedIn?.account;
    if (!account) {
      throw new AzureRedisError('TOKEN_REFUSED', 'No user has signed in.', 'Redeem the sign-in first.');
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
