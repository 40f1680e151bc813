import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { assertOption } from '../lib/validation.js';
import type { IdentityService } from './identity-service.js';
import type { TokenAuthority } from './tokens.js';

/** The settings of an identity's tokens. */
export interface TokenSettings {
  /** The lifetime of a token, in ms, from 100. Default: one hour. */
  readonly tokenLifetime?: number;
  /**
   * The fraction of its lifetime, between 0 and 1, after which a token advises a refresh (`refreshAfterTimestamp`).
   * Default: no advice.
   */
  readonly refreshAfter?: number;
  /**
   * Whether tokens are cached, as identity libraries do: until the advised refresh, or until 5 minutes (the last tenth of a
   * shorter lifetime) before the expiry. Default: every request returns a new token.
   */
  readonly cacheTokens?: boolean;
}

/** Callbacks of credentials. */
export interface IssuerListener {
  /** A credential was created for this identity. */
  identified(oid: string): void;
  /** A token request of this identity reached the service. */
  requested(oid: string): void;
  /** A token with this expiry (ms since 1970) was issued. */
  issued(oid: string, expiresOn: number): void;
}

/** The identity service: its simulated state, and the authority that signs tokens. */
export interface Issuer {
  readonly service: IdentityService;
  readonly tokens: TokenAuthority;
  readonly listener: IssuerListener;
}

/** The settings of the tokens of identities that have none of their own. */
export type DefaultTokenSettings = TokenSettings & { readonly tokenLifetime: number };

/** The settings of an identity. */
export interface IdentitySettings extends TokenSettings {
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Identity libraries return a cached token until this time before its expiry, in ms. */
const LONGEST_MARGIN = 5 * 60_000;

/** The shortest lifetime of a token, in ms: a shorter one is one in seconds by mistake. */
const SHORTEST_LIFETIME = 100;

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertTokenSettings({
  tokenLifetime = SHORTEST_LIFETIME,
  refreshAfter = 0,
  cacheTokens = false,
}: TokenSettings): void {
  assertOption(
    Number.isFinite(tokenLifetime) && tokenLifetime >= SHORTEST_LIFETIME,
    'tokenLifetime',
    tokenLifetime,
    `a number of milliseconds from ${SHORTEST_LIFETIME}`,
    { hint: 'Set it in milliseconds: 60000 is a minute.' },
  );
  assertOption(refreshAfter >= 0 && refreshAfter <= 1, 'refreshAfter', refreshAfter, 'a number from 0 to 1', {
    hint: 'Set the fraction of the lifetime after which a token advises a refresh, for example 0.5.',
  });
  assertOption(typeof cacheTokens === 'boolean', 'cacheTokens', cacheTokens, 'true or false');
}

/** An identity of the local Entra, for `configureForAzure({ credential })`. It signs real JWTs. */
export class EmulatorCredential implements TokenCredential {
  /** The identity's object id, which is its user name. */
  readonly oid: string;
  readonly #tokenLifetime: number;
  readonly #refreshAfter: number | undefined;
  readonly #cachesTokens: boolean;
  readonly #claims: Readonly<Record<string, unknown>>;
  readonly #issuer: Issuer;
  #cached: AccessToken | undefined;

  /** @internal Made by `AzureRedisEmulator`. */
  constructor(oid: string, settings: IdentitySettings, defaults: DefaultTokenSettings, issuer: Issuer) {
    this.oid = oid;
    this.#tokenLifetime = settings.tokenLifetime ?? defaults.tokenLifetime;
    this.#refreshAfter = settings.refreshAfter ?? defaults.refreshAfter;
    this.#cachesTokens = settings.cacheTokens ?? defaults.cacheTokens ?? false;
    this.#claims = settings.claims ?? {};
    this.#issuer = issuer;
    issuer.listener.identified(oid);
  }

  /**
   * Returns a token for the resource of the scope; the cache accepts only those for `https://redis.azure.com/.default`.
   *
   * Rejects with the error of the simulated fault, or with an `AbortError` when `abortSignal` aborts. A cached token is
   * returned regardless of faults.
   */
  async getToken(scopes: string | string[], options?: GetTokenOptions): Promise<AccessToken> {
    if (this.#cached !== undefined && this.#isFresh(this.#cached)) return this.#cached;
    this.#issuer.listener.requested(this.oid);
    await this.#issuer.service.answer(options?.abortSignal);
    const token = await this.#issue([scopes].flat());
    if (this.#cachesTokens) this.#cached = token;
    return token;
  }

  async #issue([scope = '']: string[]): Promise<AccessToken> {
    const lifetime = this.#tokenLifetime;
    const now = Date.now();
    const expiresOnTimestamp = now + lifetime;
    const claims = {
      aud: scope.replace(/\/\.default$/, ''),
      oid: this.oid,
      sub: this.oid,
      exp: expiresOnTimestamp / 1000,
      ...this.#claims,
    };
    const token = await this.#issuer.tokens.sign(claims, lifetime);
    this.#issuer.listener.issued(this.oid, expiresOnTimestamp);
    const accessToken = { token, expiresOnTimestamp, tokenType: 'Bearer' } as const;
    if (this.#refreshAfter === undefined) return accessToken;
    return { ...accessToken, refreshAfterTimestamp: Math.round(now + lifetime * this.#refreshAfter) };
  }

  #isFresh({ expiresOnTimestamp, refreshAfterTimestamp = Infinity }: AccessToken): boolean {
    const margin = Math.min(LONGEST_MARGIN, this.#tokenLifetime / 10);
    return Date.now() < Math.min(expiresOnTimestamp - margin, refreshAfterTimestamp);
  }
}
