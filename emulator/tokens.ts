import { randomUUID } from 'node:crypto';
import type { GenerateKeyPairResult, JWK, JWTPayload } from 'jose';

/** The audience of access tokens for Azure Redis: their `aud` claim. */
export const REDIS_AUDIENCE = 'https://redis.azure.com';

/** The claims of a valid token. */
export interface TokenClaims extends JWTPayload {
  readonly oid: string;
  /** Seconds since 1970, with a fraction: lifetimes here may be shorter than Entra's whole seconds. */
  readonly exp: number;
}

/** Signs access tokens as Entra does (RS256, a key id, `iss`, `aud`, `oid`, `tid`), and checks them as Azure Redis does. */
export interface TokenAuthority {
  readonly tenantId: string;
  readonly issuer: string;
  /** The public key that tokens are checked with, as Entra's `discovery/v2.0/keys` lists it. */
  readonly publicKey: JWK;
  /** Signs a token with a lifetime of `lifetime` ms; the given claims take precedence over the usual ones. */
  sign(claims: JWTPayload, lifetime: number): Promise<string>;
  /** Checks signature, issuer, audience and expiry; rejects with the reason. */
  verify(token: string): Promise<TokenClaims>;
}

// Generating an RSA key takes up to a second, so a process creates one for all of its authorities; their tenants differ.
let keyPair: Promise<GenerateKeyPairResult> | undefined;

export async function createTokenAuthority(tenantId: string = randomUUID()): Promise<TokenAuthority> {
  const jose = await import('jose');
  keyPair ??= jose.generateKeyPair('RS256');
  const { privateKey, publicKey } = await keyPair;
  const kid = randomUUID();
  // Redis' tokens are of version 1.0, whose issuer is this address in Azure's public cloud.
  const issuer = `https://sts.windows.net/${tenantId}/`;

  return {
    tenantId,
    issuer,
    publicKey: { ...(await jose.exportJWK(publicKey)), kid, use: 'sig', alg: 'RS256' },
    sign(claims, lifetime) {
      const now = Date.now();
      // jose compares whole seconds: with a fraction, a token would be refused until the next second begins.
      const issuedAt = Math.floor(now / 1000);
      return new jose.SignJWT({
        aud: REDIS_AUDIENCE,
        iss: issuer,
        iat: issuedAt,
        nbf: issuedAt,
        exp: (now + lifetime) / 1000,
        tid: tenantId,
        ver: '1.0',
        uti: randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid })
        .sign(privateKey);
    },
    async verify(token) {
      const { payload } = await jose.jwtVerify(token, publicKey, {
        algorithms: ['RS256'],
        audience: REDIS_AUDIENCE,
        issuer,
        requiredClaims: ['exp', 'oid'],
      });
      const { exp, oid } = payload;
      // jose compares whole seconds, which would accept a token for up to a second too long.
      if (exp === undefined || Math.round(exp * 1000) <= Date.now()) {
        throw new jose.errors.JWTExpired('the token has expired', payload, 'exp', 'check_failed');
      }
      if (typeof oid !== 'string') {
        throw new jose.errors.JWTClaimValidationFailed('the token has no oid', payload, 'oid', 'invalid');
      }
      return { ...payload, exp, oid };
    },
  };
}
