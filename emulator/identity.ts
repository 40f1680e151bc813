import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../lib/index.js';
import type { IdentityService } from './identity-service.js';
import type { TokenAuthority } from './tokens.js';

/** The settings of an identity's tokens. */
export interface TokenSettings {
  /** The lifetime of a token, in ms. Default: one hour. */
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

/** The validated settings of a credential. */
export interface Identity {
  readonly oid: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly tokenLifetime: number;
  readonly refreshAfter: number | undefined;
  readonly cacheTokens: boolean;
}

/** Identity libraries return a cached token until this time before its expiry, in ms. */
const LONGEST_MARGIN = 5 * 60_000;

/** @throws AzureRedisError `INVALID_OPTION` for settings that no token can have. */
export function checkTokenSettings({ tokenLifetime, refreshAfter }: TokenSettings): void {
  if (tokenLifetime !== undefined && !(tokenLifetime > 0 && tokenLifetime < Infinity)) {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `tokenLifetime is ${tokenLifetime}.`,
      'Set a lifetime in ms, for example 5000.',
    );
  }
  if (refreshAfter !== undefined && !(refreshAfter >= 0 && refreshAfter <= 1)) {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `refreshAfter is ${refreshAfter}.`,
      'Set the fraction of the lifetime after which a token advises a refresh, for example 0.5.',
    );
  }
}

/** An identity of the local Entra, for `configureForAzure({ credential })`. It signs real JWTs. */
export class EmulatorCredential implements TokenCredential {
  /** The identity's object id, which is its user name. */
  readonly oid: string;
  readonly #identity: Identity;
  readonly #issuer: Issuer;
  #cached: AccessToken | undefined;

  /** @internal Made by `AzureRedisEmulator`. */
  constructor(identity: Identity, issuer: Issuer) {
    this.oid = identity.oid;
    this.#identity = identity;
    this.#issuer = issuer;
    issuer.listener.identified(identity.oid);
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
    if (this.#identity.cacheTokens) this.#cached = token;
    return token;
  }

  async #issue([scope = '']: string[]): Promise<AccessToken> {
    const { tokenLifetime, refreshAfter, claims: ownClaims } = this.#identity;
    const now = Date.now();
    const expiresOnTimestamp = now + tokenLifetime;
    const claims = {
      aud: scope.replace(/\/\.default$/, ''),
      oid: this.oid,
      sub: this.oid,
      exp: expiresOnTimestamp / 1000,
      ...ownClaims,
    };
    const token = await this.#issuer.tokens.sign(claims, tokenLifetime);
    this.#issuer.listener.issued(this.oid, expiresOnTimestamp);
    const accessToken = { token, expiresOnTimestamp, tokenType: 'Bearer' } as const;
    if (refreshAfter === undefined) return accessToken;
    return { ...accessToken, refreshAfterTimestamp: Math.round(now + tokenLifetime * refreshAfter) };
  }

  #isFresh({ expiresOnTimestamp, refreshAfterTimestamp = Infinity }: AccessToken): boolean {
    const margin = Math.min(LONGEST_MARGIN, this.#identity.tokenLifetime / 10);
    return Date.now() < Math.min(expiresOnTimestamp - margin, refreshAfterTimestamp);
  }
}
