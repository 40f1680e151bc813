import { randomUUID } from 'node:crypto';
import type { GenerateKeyPairResult, JWTPayload } from 'jose';

/** Signs the tokens of service accounts, as a Kubernetes cluster does. */
export interface FederatedIssuer {
  readonly issuer: string;
  sign(subject: string, audience: string, lifetime: number): Promise<string>;
  /** The claims of a token of this issuer; rejects for any other, and for an expired one. */
  verify(token: string): Promise<JWTPayload>;
}

// Generating an RSA key takes up to a second, so a process creates one for all of its issuers; their addresses differ.
let keyPair: Promise<GenerateKeyPairResult> | undefined;

export async function createFederatedIssuer(): Promise<FederatedIssuer> {
  const jose = await import('jose');
  keyPair ??= jose.generateKeyPair('RS256');
  const { privateKey, publicKey } = await keyPair;
  const issuer = `https://localhost/oidc/${randomUUID()}/`;
  return {
    issuer,
    sign(subject, audience, lifetime) {
      const now = Math.floor(Date.now() / 1000);
      return new jose.SignJWT({ iss: issuer, sub: subject, aud: audience, iat: now, nbf: now })
        .setExpirationTime(now + Math.ceil(lifetime / 1000))
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
        .sign(privateKey);
    },
    async verify(token) {
      const { payload } = await jose.jwtVerify(token, publicKey, { algorithms: ['RS256'], issuer });
      return payload;
    },
  };
}
