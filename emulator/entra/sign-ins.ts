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

/** The codes and refresh tokens of sign-ins. */
export class SignIns {
  readonly #codes = new Map<
    string,
    { readonly signIn: SignIn; readonly expiresOn: number; redeemed: boolean }
  >();
  readonly #refreshTokens = new Map<string, SignIn>();
  readonly #revoked = new Set<string>();

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
    this.#refreshTokens.set(token, signIn);
    return token;
  }

  /** The sign-in of a refresh token. The token becomes invalid: a new one replaces it. */
  redeemRefreshToken(token: string, clientId: string): SignIn {
    if (this.#revoked.has(token)) throw revokedGrant();
    const signIn = this.#refreshTokens.get(token);
    if (signIn?.clientId !== clientId) throw invalidCode();
    this.#refreshTokens.delete(token);
    return signIn;
  }

  /** Ends all sign-ins of a user: their refresh tokens become invalid. */
  revoke(user: User): void {
    for (const [token, signIn] of this.#refreshTokens) {
      if (signIn.user.objectId !== user.objectId) continue;
      this.#refreshTokens.delete(token);
      this.#revoked.add(token);
    }
  }
}

function checkVerifier(challenge: string | undefined, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return;
  if (verifier === undefined) throw noPkce();
  const isWellFormed = /^[\w.~-]{43,128}$/.test(verifier);
  if (!isWellFormed || createHash('sha256').update(verifier).digest('base64url') !== challenge)
    throw wrongVerifier();
}
