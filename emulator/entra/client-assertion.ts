import { X509Certificate } from 'node:crypto';
import type * as JoseModule from 'jose';
import type { Application } from './application.js';
import {
  assertionForSomebodyElse,
  assertionOfAnotherClient,
  assertionOutOfTime,
  malformedAssertion,
  noFederatedIdentity,
  unknownCertificate,
} from './entra-error.js';
import type { FederatedIssuer } from './federated-issuer.js';

/** The expected values of a client assertion. */
export interface AssertionContext {
  /** The accepted audiences of an assertion: the token endpoint, and the tenant's issuer. */
  readonly audiences: readonly string[];
  /** The cluster whose service account tokens are accepted. */
  readonly federatedIssuer: FederatedIssuer;
}

type Jose = typeof JoseModule;

/** The permitted difference between the clocks of client and service, in seconds: Entra allows five minutes. */
const CLOCK_SKEW = 300;

/** Validates a client assertion, with which an application authenticates itself. */
export async function checkClientAssertion(
  application: Application,
  assertion: string,
  context: AssertionContext,
): Promise<void> {
  const jose = await import('jose');
  if (issuerOf(jose, assertion) === application.clientId) {
    await checkCertificateAssertion(jose, application, assertion, context.audiences);
  } else {
    await checkFederatedToken(jose, application, assertion, context.federatedIssuer);
  }
}

function issuerOf(jose: Jose, assertion: string): string | undefined {
  try {
    return jose.decodeJwt(assertion).iss;
  } catch {
    throw malformedAssertion('IDX12741');
  }
}

function headerOf(jose: Jose, assertion: string): Readonly<Record<string, unknown>> {
  try {
    return { ...jose.decodeProtectedHeader(assertion) };
  } catch {
    throw malformedAssertion('IDX12741');
  }
}

async function checkCertificateAssertion(
  jose: Jose,
  application: Application,
  assertion: string,
  audiences: readonly string[],
): Promise<void> {
  const certificate = signingCertificate(application, headerOf(jose, assertion));
  const { payload } = await jose
    .jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['PS256', 'RS256'],
      clockTolerance: CLOCK_SKEW,
      requiredClaims: ['exp', 'jti'],
    })
    .catch((error: unknown) => {
      throw isOutOfTime(jose, error)
        ? assertionOutOfTime()
        : unknownCertificate('Client assertion contains an invalid signature');
    });
  if (payload.sub !== application.clientId) throw assertionOfAnotherClient();
  const isForUs = [payload.aud ?? []].flat().some((audience) => audiences.includes(audience));
  if (!isForUs) throw assertionForSomebodyElse();
}

/** The certificate named in the assertion's header, if the application accepts it. */
function signingCertificate(
  application: Application,
  header: Readonly<Record<string, unknown>>,
): X509Certificate {
  const registered = application.certificates.find(
    (certificate) =>
      thumbprint(certificate.fingerprint256) === header['x5t#S256'] ||
      thumbprint(certificate.fingerprint) === header['x5t'],
  );
  if (registered) return registered;
  const { x5c } = header;
  if (!Array.isArray(x5c)) throw unknownCertificate('The key was not found');
  return trustedLeaf(application, x5c.map(String));
}

/** The first certificate of a chain, if the application accepts its subject from the authority at the end of the chain. */
function trustedLeaf(application: Application, chain: readonly string[]): X509Certificate {
  const [leaf, ...issuers] = chain.map((der) => {
    try {
      return new X509Certificate(Buffer.from(der, 'base64'));
    } catch {
      throw malformedAssertion('x5c holds no certificate');
    }
  });
  if (!leaf) throw malformedAssertion('x5c is empty');
  const isTrusted = application.trustedSubjects.some(({ subject, issuer }) => {
    const authority = new X509Certificate(issuer);
    return leaf.subject === subject && isIssuedBy(leaf, authority, issuers) && isInTime(leaf);
  });
  if (!isTrusted) throw unknownCertificate('The subject name and issuer of x5c are not trusted');
  return leaf;
}

function isIssuedBy(
  certificate: X509Certificate,
  authority: X509Certificate,
  intermediates: readonly X509Certificate[],
): boolean {
  const signed = (issuer: X509Certificate) =>
    certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (signed(authority)) return true;
  return intermediates.some(
    (issuer, index) =>
      issuer.ca && signed(issuer) && isIssuedBy(issuer, authority, intermediates.toSpliced(index, 1)),
  );
}

function isInTime({ validFrom, validTo }: X509Certificate): boolean {
  const now = Date.now();
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

function thumbprint(fingerprint: string): string {
  return Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url');
}

async function checkFederatedToken(
  jose: Jose,
  application: Application,
  token: string,
  federatedIssuer: FederatedIssuer,
): Promise<void> {
  const {
    iss = '',
    sub = '',
    aud = '',
  } = await federatedIssuer.verify(token).catch((error: unknown) => {
    throw isOutOfTime(jose, error)
      ? assertionOutOfTime()
      : noFederatedIdentity('issuer', issuerOf(jose, token) ?? '');
  });
  const audiences = [aud].flat();
  const ofIssuer = application.federatedCredentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) throw noFederatedIdentity('issuer', iss);
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) throw noFederatedIdentity('subject', sub);
  const matches = ofSubject.some(({ audience }) => audiences.includes(audience));
  if (!matches) throw noFederatedIdentity('audience', audiences.join(' '));
}

function isOutOfTime(jose: Jose, error: unknown): boolean {
  if (error instanceof jose.errors.JWTExpired) return true;
  return error instanceof jose.errors.JWTClaimValidationFailed && error.claim === 'nbf';
}
