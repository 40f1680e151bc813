import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';

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

  constructor({
    clientId = randomUUID(),
    objectId = randomUUID(),
    publicClient = false,
    redirectUris = [],
  }: ApplicationOptions) {
    this.clientId = clientId;
    this.objectId = objectId;
    this.publicClient = publicClient;
    this.#redirectUris = new Set(redirectUris);
  }

  /** Adds a secret that is valid for `lifetime` ms, and returns its value. Default: two years. */
  addSecret(lifetime = 2 * 365 * 86_400_000): string {
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
    this.#certificates.push(new X509Certificate(pem));
  }

  /** Removes all certificates. */
  removeCertificates(): void {
    this.#certificates.length = 0;
  }

  /** Accepts every certificate of this subject that this authority issued: Subject Name + Issuer. */
  trustSubject(trusted: TrustedSubject): void {
    this.#trustedSubjects.push(trusted);
  }

  /** Accepts the tokens of another issuer in place of a secret. */
  addFederatedCredential(credential: FederatedCredential): void {
    this.#federatedCredentials.push(credential);
  }

  /** Registers a redirect URI. */
  addRedirectUri(redirectUri: string): void {
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

/** Entra accepts any port of http://localhost for a native application (RFC 8252, 7.3). */
function withoutLoopbackPort(redirectUri: string): string {
  if (!URL.canParse(redirectUri)) return redirectUri;
  const url = new URL(redirectUri);
  if (url.protocol !== 'http:' || url.hostname !== 'localhost') return redirectUri;
  return redirectUri.replace(`localhost:${url.port}`, 'localhost');
}
