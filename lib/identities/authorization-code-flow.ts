import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { authorityHostOf, checkAuthorityHost } from './authority.js';
import { classifyIdentityError } from './identity-errors.js';
import { checkClientId, checkObject, checkTenantId, checkText, invalidOption } from './option-checks.js';
import { UserCredential } from './user-credential.js';

/** What an `AuthorizationCodeFlow` is made of. */
export interface AuthorizationCodeFlowOptions {
  /** The "Application (client) ID" of the app registration, which must allow public client flows. */
  readonly clientId: string;
  /** The "Directory (tenant) ID", a domain name of the tenant, or `organizations` for the user's own. */
  readonly tenantId: string;
  /** Where the browser is sent back to: one of the app registration's "Mobile and desktop" redirect URIs. */
  readonly redirectUri: string;
  /** The address of the identity service. Default: `AZURE_AUTHORITY_HOST`, else Azure's public cloud. */
  readonly authorityHost?: string | undefined;
  /** What the tokens are for. Default: `https://redis.azure.com/.default`. */
  readonly scope?: string | undefined;
}

const DEFAULT_SCOPE = 'https://redis.azure.com/.default';

/**
 * The sign-in of one user in a browser (OAuth's authorization code flow for public clients, with PKCE). The user must
 * have an access policy on the cache.
 *
 * @example
 * ```ts
 * const flow = new AuthorizationCodeFlow({ clientId, tenantId, redirectUri: 'http://localhost:8400' });
 * // Open this in the user's browser, and wait until it is sent to redirectUri.
 * const url = await flow.authorizationUrl();
 * const credential = await flow.redeem(redirectedUrl);
 * const redis = new Redis(await configureForAzure({ host, credential }));
 * ```
 */
export class AuthorizationCodeFlow {
  readonly #options: AuthorizationCodeFlowOptions;
  readonly #authorityHost: string;
  readonly #scope: string;
  #pending: PendingSignIn | undefined;

  /** @throws AzureRedisError `INVALID_OPTION`. */
  constructor(options: AuthorizationCodeFlowOptions) {
    checkOptions(options);
    this.#options = { ...options };
    this.#authorityHost = authorityHostOf(options);
    this.#scope = options.scope ?? DEFAULT_SCOPE;
  }

  /**
   * The address of the page on which the user signs in. Each call begins a new sign-in, which only its own `state`
   * completes; the one before it is over.
   *
   * @throws AzureRedisError `TOKEN_REFUSED` or `TOKEN_UNAVAILABLE` when an authority of your own cannot be asked where
   * its sign-in page is; Microsoft's are known.
   */
  async authorizationUrl(): Promise<string> {
    const { CryptoProvider } = await import('@azure/msal-node');
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const pending = {
      state: randomBytes(32).toString('base64url'),
      nonce: randomBytes(32).toString('base64url'),
      codeVerifier: verifier,
      session: new UserCredential({
        clientId: this.#options.clientId,
        authority: `${this.#authorityHost}/${this.#options.tenantId}`,
        redirectUri: this.#options.redirectUri,
        scope: this.#scope,
      }),
    };
    const { state, nonce, session } = pending;
    const url = await session
      .authorizationUrl({ state, nonce, codeChallenge: challenge })
      .catch((error: unknown) => {
        throw failed('The sign-in cannot begin.', error);
      });
    this.#pending = pending;
    return url;
  }

  /**
   * Completes the sign-in with the address that the browser was sent to. The credential gives a new token each time,
   * silently, for as long as Entra lets the sign-in last.
   *
   * @throws AzureRedisError `TOKEN_REFUSED` when the user or Entra refused, or the address is not the answer to this
   * sign-in; `TOKEN_UNAVAILABLE` when Entra could not be asked, after which the sign-in must begin again.
   */
  async redeem(redirectedUrl: string | URL): Promise<TokenCredential> {
    const pending = this.#pending;
    if (!pending) {
      throw refused(
        'No sign-in is under way.',
        'Call authorizationUrl() first; each sign-in is redeemed once, by the flow that began it.',
      );
    }
    const code = codeIn(String(redirectedUrl), pending.state);
    // From here on the code is spent, whatever comes.
    this.#pending = undefined;
    const { codeVerifier, nonce, session } = pending;
    await session.redeem({ code, codeVerifier, nonce }).catch((error: unknown) => {
      throw failed('The sign-in could not be completed.', error);
    });
    return session;
  }
}

interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly session: UserCredential;
}

function checkOptions(options: unknown): void {
  const { clientId, tenantId, redirectUri, authorityHost, scope } = checkObject(
    'AuthorizationCodeFlow',
    options,
    ['clientId', 'tenantId', 'redirectUri', 'authorityHost', 'scope'],
  );
  checkClientId('clientId', clientId);
  checkTenantId('tenantId', tenantId);
  const hint =
    'Give one of the app registration\'s "Mobile and desktop" redirect URIs, for example http://localhost:8400.';
  if (!URL.canParse(checkText('redirectUri', redirectUri, hint)))
    throw invalidOption('redirectUri is no address.', hint);
  if (authorityHost !== undefined) checkAuthorityHost(authorityHost);
  if (scope !== undefined)
    checkText('scope', scope, `Give a scope such as ${DEFAULT_SCOPE}, or leave it out.`);
}

/** The code in the address that the browser was sent to; throws unless it answers the sign-in with this state. */
function codeIn(redirectedUrl: string, state: string): string {
  if (!URL.canParse(redirectedUrl)) {
    throw invalidOption(
      'What was given to redeem() is no address.',
      'Give the whole address that the browser was sent to.',
    );
  }
  const parameters = new URL(redirectedUrl).searchParams;
  if (!isSame(parameters.get('state') ?? '', state)) {
    throw refused(
      'The address does not belong to this sign-in: its state is another.',
      'Redeem the address with the flow whose authorizationUrl() was opened last. If nobody opened another, somebody may have tried to slip in a sign-in of theirs.',
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
      'The address holds no code.',
      'Give the whole address that the browser was sent to, with its query.',
    );
  }
  return code;
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(message: string, hint: string): AzureRedisError {
  return new AzureRedisError('TOKEN_REFUSED', message, hint);
}

function failed(message: string, error: unknown): AzureRedisError {
  const { permanent, hint } = classifyIdentityError(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new AzureRedisError(
    permanent ? 'TOKEN_REFUSED' : 'TOKEN_UNAVAILABLE',
    `${message} ${reason}`,
    hint,
    {
      cause: error,
    },
  );
}
