import { createHash, randomBytes } from 'node:crypto';
import type { User } from './directory.js';
import {
  expiredCode,
  invalidCode,
  noPkce,
  otherRedirect,
  redeemedCode,
  revokedGrant,
  wrongVerifier,
} from './entra-error.js';

/** The parameters of an authorization request. */
export interface SignInRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
}

/** The sign-in of a user to an application. */
export interface SignIn extends SignInRequest {
  readonly user: User;
}

/** The parameters with which an application redeems a code. */
export interface CodeRedemption {
  readonly code: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly codeVerifier: string | undefined;
}

/** The lifetime of a code, in ms. Entra: about ten minutes. */
const CODE_LIFETIME = 600_000;

/** The lifetime of a refresh token, in ms. Entra: 90 days. */
const REFRESH_TOKEN_LIFETIME = 90 * 86_400_000;

/** The number of entries that a store keeps: anyone can begin a sign-in. */
const MOST_ENTRIES = 1_000;

/** Keeps values for a time, and the newest ones only: requests cannot fill the memory. */
export class BoundedStore<Value> {
  readonly #lifetime: number;
  /** The oldest first. */
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();

  /** @param lifetime In ms. */
  constructor(lifetime: number) {
    this.#lifetime = lifetime;
  }

  set(key: string, value: Value): void {
    const now = Date.now();
    for (const [oldest, { until }] of this.#entries) {
      if (until > now && this.#entries.size < MOST_ENTRIES) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { value, until: now + this.#lifetime });
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > Date.now() ? entry.value : undefined;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

interface RefreshToken {
  readonly signIn: SignIn;
  /** When it was issued: a later revocation ends it. */
  readonly issuedOn: number;
}

/** The codes and refresh tokens of sign-ins. */
export class SignIns {
  // An expired code is known for a while: its refusal differs from that of an unknown one.
  readonly #codes = new BoundedStore<{
    readonly signIn: SignIn;
    readonly expiresOn: number;
    redeemed: boolean;
  }>(2 * CODE_LIFETIME);
  readonly #refreshTokens = new BoundedStore<RefreshToken>(REFRESH_TOKEN_LIFETIME);
  /** When the sign-ins of a user were last revoked, by object id. */
  readonly #revocations = new Map<string, number>();

  /** Issues a code for a user who has just signed in. */
  issueCode(signIn: SignIn): string {
    const code = `1.${randomBytes(48).toString('base64url')}`;
    this.#codes.set(code, { signIn, expiresOn: Date.now() + CODE_LIFETIME, redeemed: false });
    return code;
  }

  redeemCode({ code, clientId, redirectUri, codeVerifier }: CodeRedemption): SignIn {
    const issued = this.#codes.get(code);
    if (issued?.signIn.clientId !== clientId) throw invalidCode();
    if (issued.redeemed) throw redeemedCode();
    if (issued.expiresOn <= Date.now()) throw expiredCode();
    const { signIn } = issued;
    if (signIn.redirectUri !== redirectUri) throw otherRedirect(redirectUri, signIn.redirectUri);
    checkVerifier(signIn.codeChallenge, codeVerifier);
    issued.redeemed = true;
    return signIn;
  }

  issueRefreshToken(signIn: SignIn): string {
    const token = `1.${randomBytes(96).toString('base64url')}`;
    this.#refreshTokens.set(token, { signIn, issuedOn: performance.now() });
    return token;
  }

  /** The sign-in of a refresh token. The token becomes invalid: a new one replaces it. */
  redeemRefreshToken(token: string, clientId: string): SignIn {
    const { signIn, issuedOn = 0 } = this.#refreshTokens.get(token) ?? {};
    if (signIn?.clientId !== clientId) throw invalidCode();
    if (issuedOn <= (this.#revocations.get(signIn.user.objectId) ?? -1)) throw revokedGrant();
    this.#refreshTokens.delete(token);
    return signIn;
  }

  /** Ends all sign-ins of a user: their refresh tokens become invalid. */
  revoke({ objectId }: User): void {
    this.#revocations.set(objectId, performance.now());
  }
}

function checkVerifier(challenge: string | undefined, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return;
  if (verifier === undefined) throw noPkce();
  const isWellFormed = /^[\w.~-]{43,128}$/.test(verifier);
  if (!isWellFormed || createHash('sha256').update(verifier).digest('base64url') !== challenge)
    throw wrongVerifier();
}
