import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { IdentityService } from './identity-service.js';
import type { TokenAuthority } from './tokens.js';

/** How an identity's tokens are. */
export interface TokenSettings {
  /** How long a token lives, in ms, from a second to hours. Default: one hour. */
  readonly tokenLifetime?: number;
  /**
   * The fraction of its lifetime, between 0 and 1, after which a token asks to be refreshed (`refreshAfterTimestamp`).
   * Default: it does not say.
   */
  readonly refreshAfter?: number;
  /**
   * Whether the identity is like the identity libraries, which give the same token again until it is to be refreshed
   * or is near its expiry: 5 minutes, or the last tenth of a shorter life. Default: every request gets a new one.
   */
  readonly cacheTokens?: boolean;
}

/** What a credential asks of the identity side. */
export interface Issuer {
  readonly service: IdentityService;
  readonly tokens: TokenAuthority;
  requested(oid: string): void;
  issued(oid: string, expiresOn: Date): void;
}

/** Identity libraries give a cached token until this long before its expiry, in ms. */
const LONGEST_MARGIN = 5 * 60_000;
const DEFAULT_LIFETIME = 3_600_000;

/** An identity of the local Entra, for `configureForAzure({ credential })`. It signs real JWTs. */
export class LocalCredential implements TokenCredential {
  /** The identity's object id: the user name that it logs in with. */
  readonly oid: string;
  readonly #issuer: Issuer;
  readonly #settings: TokenSettings;
  readonly #claims: Readonly<Record<string, unknown>>;
  #cached: AccessToken | undefined;

  /** @internal Made by `LocalAzure`. */
  constructor(
    oid: string,
    issuer: Issuer,
    settings: TokenSettings,
    claims: Readonly<Record<string, unknown>> = {},
  ) {
    this.oid = oid;
    this.#issuer = issuer;
    this.#settings = settings;
    this.#claims = claims;
  }

  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    if (this.#cached !== undefined && this.#isFresh(this.#cached)) return this.#cached;
    this.#issuer.requested(this.oid);
    await this.#issuer.service.answer(options?.abortSignal);
    const token = await this.#issue([scopes].flat());
    if (this.#settings.cacheTokens === true) this.#cached = token;
    return token;
  }

  async #issue([scope = '']: string[]): Promise<AccessToken> {
    const { tokenLifetime = DEFAULT_LIFETIME, refreshAfter } = this.#settings;
    const now = Date.now();
    const expiresOnTimestamp = now + tokenLifetime;
    const claims = {
      aud: scope.replace(/\/\.default$/, ''),
      oid: this.oid,
      sub: this.oid,
      exp: expiresOnTimestamp / 1000,
      ...this.#claims,
    };
    const token = await this.#issuer.tokens.sign(claims, tokenLifetime);
    this.#issuer.issued(this.oid, new Date(expiresOnTimestamp));
    if (refreshAfter === undefined) return { token, expiresOnTimestamp };
    return { token, expiresOnTimestamp, refreshAfterTimestamp: now + tokenLifetime * refreshAfter };
  }

  #isFresh({ expiresOnTimestamp, refreshAfterTimestamp = Infinity }: AccessToken): boolean {
    const { tokenLifetime = DEFAULT_LIFETIME } = this.#settings;
    const margin = Math.min(LONGEST_MARGIN, tokenLifetime / 10);
    return Date.now() < Math.min(expiresOnTimestamp - margin, refreshAfterTimestamp);
  }
}
