import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import { AzureRedisError } from '../lib/index.js';
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

/** What credentials tell of the tokens that are asked of them. */
export interface IssuerListener {
  /** A credential was made for this identity. */
  identified(oid: string): void;
  /** A request for a token of this identity reached the service. */
  requested(oid: string): void;
  /** It was given one, which expires then (ms since 1970). */
  issued(oid: string, expiresOn: number): void;
}

/** The identity side: who answers requests for tokens, and who signs them. */
export interface Issuer {
  readonly service: IdentityService;
  readonly tokens: TokenAuthority;
  readonly listener: IssuerListener;
}

/** What a credential goes by: the settings given, checked and complete. */
export interface Identity {
  readonly oid: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly tokenLifetime: number;
  readonly refreshAfter: number | undefined;
  readonly cacheTokens: boolean;
}

/** Identity libraries give a cached token until this long before its expiry, in ms. */
const LONGEST_MARGIN = 5 * 60_000;

/** Throws for settings that no token can have. */
export function checkTokenSettings({ tokenLifetime, refreshAfter }: TokenSettings): void {
  if (tokenLifetime !== undefined && !(tokenLifetime > 0 && tokenLifetime < Infinity)) {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `tokenLifetime is ${tokenLifetime}.`,
      'Give the lifetime of a token in ms, for example 5000.',
    );
  }
  if (refreshAfter !== undefined && !(refreshAfter >= 0 && refreshAfter <= 1)) {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `refreshAfter is ${refreshAfter}.`,
      'Give the fraction of its lifetime after which a token asks to be refreshed, for example 0.5.',
    );
  }
}

/** An identity of the local Entra, for `configureForAzure({ credential })`. It signs real JWTs. */
export class EmulatorCredential implements TokenCredential {
  /** The identity's object id: the user name that it logs in with. */
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
   * Gives a token for the resource that the scope names; only one for `https://redis.azure.com/.default` lets in.
   *
   * Rejects with what the identity's fault is at present, or with an `AbortError` when `abortSignal` gives up. A token
   * that is cached is given whatever the fault.
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
