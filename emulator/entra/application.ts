import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { assertOption, checkFields, checkText, invalidOption } from '../../lib/validation.js';
import { assertOid } from '../login.js';

/** The options of `EntraEmulator.addApplication()`. */
export interface ApplicationOptions {
  /** Default: a new one. */
  readonly clientId?: string | undefined;
  /** The object id of its service principal, which is its user name on the cache. Default: a new one. */
  readonly objectId?: string | undefined;
  /** Whether it is a public client, to which users sign in without a secret of the application. Default: false. */
  readonly publicClient?: boolean | undefined;
  /** The registered redirect URIs. */
  readonly redirectUris?: readonly string[] | undefined;
}

/** A federated credential: the tokens that an application accepts in place of a secret. */
export interface FederatedCredential {
  /** The issuer of the tokens (`iss`). */
  readonly issuer: string;
  /** The subject of the tokens (`sub`). */
  readonly subject: string;
  /** The audience of the tokens (`aud`). */
  readonly audience: string;
}

/** The certificates that an application accepts by their subject name and issuer. */
export interface TrustedSubject {
  /** The certificate's subject, for example `CN=my-app`. */
  readonly subject: string;
  /** The certificate of the issuing authority, as PEM text. */
  readonly issuer: string;
}

/** A registered application and its service principal. */
export class Application {
  /** The application (client) id. */
  readonly clientId: string;
  /** The object id of its service principal, which is its user name on the cache. */
  readonly objectId: string;
  /** Whether it is a public client. */
  readonly publicClient: boolean;
  readonly #redirectUris: Set<string>;
  readonly #secrets = new Map<string, number>();
  readonly #certificates: X509Certificate[] = [];
  readonly #trustedSubjects: TrustedSubject[] = [];
  readonly #federatedCredentials: FederatedCredential[] = [];

  constructor(options: ApplicationOptions) {
    checkFields('options', options, ['clientId', 'objectId', 'publicClient', 'redirectUris']);
    const { clientId = randomUUID(), objectId = randomUUID() } = options;
    const { publicClient = false, redirectUris = [] } = options;
    checkText('clientId', clientId, 'Remove it to get a new one, or set it to a GUID.');
    assertOid(objectId, 'objectId');
    assertOption(typeof publicClient === 'boolean', 'publicClient', publicClient, 'true or false');
    assertOption(redirectUris instanceof Array, 'redirectUris', redirectUris, 'an array of URIs');
    for (const uri of redirectUris) assertRedirectUri(uri);
    this.clientId = clientId;
    this.objectId = objectId;
    this.publicClient = publicClient;
    this.#redirectUris = new Set(redirectUris);
  }

  /** Adds a secret that is valid for `lifetime` ms, and returns its value. Default: two years. */
  addSecret(lifetime = 2 * 365 * 86_400_000): string {
    assertOption(Number.isFinite(lifetime), 'lifetime', lifetime, 'a number of milliseconds');
    const secret = `${randomBytes(3).toString('hex')}~${randomBytes(24).toString('base64url')}`;
    this.#secrets.set(secret, Date.now() + lifetime);
    return secret;
  }

  /** Removes a secret: it is rejected from now on. */
  removeSecret(secret: string): void {
    this.#secrets.delete(secret);
  }

  /** Registers a certificate (PEM; a private key in the same text is ignored). */
  addCertificate(pem: string): void {
    this.#certificates.push(parseCertificate('pem', pem));
  }

  /** Removes all certificates. */
  removeCertificates(): void {
    this.#certificates.length = 0;
  }

  /** Accepts every certificate of this subject that this authority issued: Subject Name + Issuer. */
  trustSubject(trusted: TrustedSubject): void {
    const { subject, issuer } = checkFields('trusted', trusted, ['subject', 'issuer']);
    checkText('trusted.subject', subject, "Set it to the certificate's subject, for example 'CN=my-app'.");
    parseCertificate('trusted.issuer', issuer);
    this.#trustedSubjects.push(trusted);
  }

  /** Accepts the tokens of another issuer in place of a secret. */
  addFederatedCredential(credential: FederatedCredential): void {
    const fields = ['issuer', 'subject', 'audience'] as const;
    const values = checkFields('credential', credential, fields);
    for (const name of fields) checkText(`credential.${name}`, values[name], 'Set it to that of the tokens.');
    this.#federatedCredentials.push(credential);
  }

  /** Registers a redirect URI. */
  addRedirectUri(redirectUri: string): void {
    assertRedirectUri(redirectUri);
    this.#redirectUris.add(redirectUri);
  }

  /** @internal */
  secretState(secret: string): 'valid' | 'expired' | 'unknown' {
    const expiresOn = this.#secrets.get(secret);
    if (expiresOn === undefined) return 'unknown';
    return expiresOn > Date.now() ? 'valid' : 'expired';
  }

  /** @internal */
  get certificates(): readonly X509Certificate[] {
    return this.#certificates;
  }

  /** @internal */
  get trustedSubjects(): readonly TrustedSubject[] {
    return this.#trustedSubjects;
  }

  /** @internal */
  get federatedCredentials(): readonly FederatedCredential[] {
    return this.#federatedCredentials;
  }

  /** @internal */
  allowsRedirect(redirectUri: string): boolean {
    return this.#redirectUris.has(redirectUri) || this.#redirectUris.has(withoutLoopbackPort(redirectUri));
  }
}

/** @throws AzureRedisError `INVALID_OPTION` */
function assertRedirectUri(uri: unknown): void {
  // `localhost:8400` is a URI, whose scheme is localhost.
  const isUri = typeof uri === 'string' && URL.canParse(uri) && uri.includes('://');
  assertOption(isUri, 'redirectUri', uri, 'an absolute URI', {
    hint: "For example 'http://localhost:8400'.",
  });
}

/** @throws AzureRedisError `INVALID_OPTION` */
function parseCertificate(name: string, pem: unknown): X509Certificate {
  const hint = 'Set it to a certificate as PEM text.';
  try {
    return new X509Certificate(String(pem));
  } catch (error) {
    throw invalidOption(`\`${name}\` is not a certificate.`, hint, error);
  }
}

/** Entra accepts any port of http://localhost for a native application (RFC 8252, 7.3). */
function withoutLoopbackPort(redirectUri: string): string {
  if (!URL.canParse(redirectUri)) return redirectUri;
  const url = new URL(redirectUri);
  if (url.protocol !== 'http:' || url.hostname !== 'localhost') return redirectUri;
  return redirectUri.replace(`localhost:${url.port}`, 'localhost');
}
