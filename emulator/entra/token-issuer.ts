import type { JWTPayload } from 'jose';
import { assertOption } from '../../lib/validation.js';
import type { TokenAuthority } from '../tokens.js';

/** An issued token, as in the reply. Times are in whole seconds, as Entra's are. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly objectId: string;
  readonly expiresIn: number;
  /** Seconds since 1970. */
  readonly expiresOn: number;
  /** The advised time until the refresh, in seconds; only for a long lifetime. */
  readonly refreshIn: number | undefined;
}

/** The lifetime from which Entra returns `refresh_in`, half of the lifetime, in seconds. */
const LONG_LIFETIME = 2 * 3600;

/** Issues access tokens of one lifetime. */
export class TokenIssuer {
  #lifetime: number;
  readonly #authority: TokenAuthority;
  readonly #onIssued: (token: IssuedToken) => void;

  constructor(authority: TokenAuthority, lifetime: number, onIssued: (token: IssuedToken) => void) {
    this.#authority = authority;
    this.#lifetime = checked(lifetime);
    this.#onIssued = onIssued;
  }

  /** In ms. */
  get lifetime(): number {
    return this.#lifetime;
  }

  set lifetime(lifetime: number) {
    this.#lifetime = checked(lifetime);
  }

  async issue(objectId: string, resource: string, claims: JWTPayload): Promise<IssuedToken> {
    const accessToken = await this.#authority.sign(
      { oid: objectId, sub: objectId, aud: resource, ...claims },
      this.#lifetime,
    );
    const expiresIn = Math.floor(this.#lifetime / 1000);
    const token = {
      accessToken,
      objectId,
      expiresIn,
      expiresOn: Math.floor((Date.now() + this.#lifetime) / 1000),
      refreshIn: expiresIn >= LONG_LIFETIME ? Math.floor(expiresIn / 2) : undefined,
    };
    this.#onIssued(token);
    return token;
  }
}

/** Entra returns whole seconds, at least one. */
function checked(lifetime: number): number {
  assertOption(
    lifetime >= 1000 && lifetime < Infinity,
    'tokenLifetime',
    lifetime,
    'a number of milliseconds from 1000',
  );
  return lifetime;
}
