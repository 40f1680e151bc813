import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertOption, checkFields } from '../../lib/validation.js';
import { createCertificateAuthority, namesOf } from '../certificates.js';
import { assertDelay, checkRetryAfter } from '../identity-service.js';
import { LOOPBACK } from '../listen.js';
import { assertOid } from '../login.js';
import { createTokenAuthority, REDIS_AUDIENCE, type TokenAuthority } from '../tokens.js';
import { Application, type ApplicationOptions } from './application.js';
import { AuthorityEndpoints } from './authority-endpoints.js';
import { Directory, type ManagedIdentity, type User, type UserOptions } from './directory.js';
import { Faults } from './faults.js';
import { createFederatedIssuer, type FederatedIssuer } from './federated-issuer.js';
import { MetadataEndpoint } from './metadata-endpoint.js';
import { type EntraEmulatorEvents, type EntraStatistics, RequestLog } from './request-log.js';
import {
  assertFederatedTokenOptions,
  assertOptions,
  type EntraEmulatorOptions,
  type FederatedTokenOptions,
} from './options.js';
import { SignIns } from './sign-ins.js';
import { TokenIssuer } from './token-issuer.js';
import { distrust, trust } from './trust.js';
import { type Answer, WebServer, type WebServerAddress } from './web-server.js';

interface Parts {
  readonly ca: string;
  readonly folder: string;
  readonly authority: TokenAuthority;
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  readonly signIns: SignIns;
  readonly federatedIssuer: FederatedIssuer;
  readonly log: RequestLog;
}

/** The audience of service account tokens in AKS and in the identity libraries. */
const EXCHANGE_AUDIENCE = 'api://AzureADTokenExchange';

/**
 * Microsoft Entra and the endpoints of managed identities on this machine, as strict as the real ones: for tests of programs
 * that log in with the real identity libraries. An `AzureRedisEmulator` with the option `entra` accepts its tokens.
 *
 * @example
 * ```ts
 * const entra = await EntraEmulator.start({ tokenLifetime: 5_000 });
 * const azure = await AzureRedisEmulator.start({ entra });
 * entra.trust();
 *
 * const application = entra.addApplication();
 * await azure.assignRole(application.objectId, 'Data Owner');
 *
 * const { host, port, tls } = azure.options;
 * const { tenantId, authorityHost } = entra;
 * const servicePrincipal = { tenantId, clientId: application.clientId, clientSecret: application.addSecret() };
 * const redis = new Redis(await configureForAzure({ host, port, tls, authorityHost, servicePrincipal }));
 * ```
 */
export class EntraEmulator extends EventEmitter<EntraEmulatorEvents> {
  /** The authority that issued the certificate of the HTTPS endpoints, as PEM text. */
  readonly ca: string;
  /** The same in a file, for `NODE_EXTRA_CA_CERTS`. It is deleted by `stop()`. */
  readonly caFile: string;
  readonly #parts: Parts;
  readonly #metadata: MetadataEndpoint;
  readonly #faults = new Faults();
  readonly #servers: WebServer[] = [];
  #authorityHost = '';
  #metadataHost = '';
  #workloads = 0;
  #stopped: Promise<void> | undefined;

  private constructor(parts: Parts, metadata: MetadataEndpoint) {
    super();
    parts.log.on('request', (entry) => this.emit('request', entry));
    parts.log.on('token', (entry) => this.emit('token', entry));
    this.#parts = parts;
    this.#metadata = metadata;
    this.ca = parts.ca;
    this.caFile = join(parts.folder, 'ca.pem');
  }

  /**
   * Starts both endpoints.
   *
   * @throws AzureRedisError `INVALID_OPTION` if an option is invalid or a port is in use.
   */
  static async start(options: EntraEmulatorOptions = {}): Promise<EntraEmulator> {
    assertOptions(options);
    const { tokenLifetime = 3_600_000, resources = [REDIS_AUDIENCE] } = options;
    const { cachesManagedIdentityTokens: cachesTokens = false } = options;
    const { port = 0, metadataPort = 0, bind = LOOPBACK, hostname } = options;
    const authority = options.authority ?? (await createTokenAuthority());
    const log = new RequestLog();
    const issuer = new TokenIssuer(authority, tokenLifetime, (token) => {
      log.token(token);
    });
    const certificateAuthority = await createCertificateAuthority();
    const certificate = await certificateAuthority.issue(namesOf(hostname ?? 'localhost', [LOOPBACK]));
    const parts = {
      ca: certificateAuthority.ca,
      authority,
      folder: await mkdtemp(join(tmpdir(), 'entra-emulator-')),
      directory: new Directory(authority.tenantId),
      issuer,
      signIns: new SignIns(),
      federatedIssuer: await createFederatedIssuer(),
      log,
    };
    const metadata = new MetadataEndpoint({ ...parts, resources, cachesTokens });
    const entra = new EntraEmulator(parts, metadata);
    try {
      await writeFile(entra.caFile, entra.ca);
      const endpoints = new AuthorityEndpoints({ ...parts, resources });
      const address = { address: bind, port, hostname: hostname ?? 'localhost', certificate };
      entra.#authorityHost = await entra.#serve((...request) => endpoints.answer(...request), address);
      const metadataAddress = { address: bind, port: metadataPort, hostname: hostname ?? LOOPBACK };
      entra.#metadataHost = await entra.#serve((request) => metadata.answer(request), metadataAddress);
    } catch (error) {
      await entra.stop();
      throw error;
    }
    return entra;
  }

  /** The value for `authorityHost` and `AZURE_AUTHORITY_HOST`. */
  get authorityHost(): string {
    return this.#authorityHost;
  }

  /** The tenant id. */
  get tenantId(): string {
    return this.#parts.directory.tenantId;
  }

  /** @internal Signs and validates the tokens. */
  get authority(): TokenAuthority {
    return this.#parts.authority;
  }

  /**
   * Makes this process trust the certificate of `authorityHost`, in addition to those that it trusts already, until `stop()`.
   * `servicePrincipal` and `AuthorizationCodeFlow` need it. The credentials of `@azure/identity` have their own agents: set
   * their `tlsOptions: { ca: entra.ca }`, or start their process with `NODE_EXTRA_CA_CERTS` set to `caFile`.
   */
  trust(): void {
    trust(this.ca);
  }

  /** Sets the lifetime of tokens that are issued from now on, in ms, at least 1000. */
  get tokenLifetime(): number {
    return this.#parts.issuer.lifetime;
  }

  set tokenLifetime(lifetime: number) {
    this.#parts.issuer.lifetime = lifetime;
  }

  /** A snapshot of the requests and tokens so far. */
  get statistics(): EntraStatistics {
    return this.#parts.log.snapshot();
  }

  /** Registers an application. Add a secret, a certificate or a redirect URI to it. */
  addApplication(options: ApplicationOptions = {}): Application {
    return this.#parts.directory.addApplication(options);
  }

  /** Adds a user who can sign in to public clients. */
  addUser(options: UserOptions): User {
    return this.#parts.directory.addUser(options);
  }

  /** Revokes all sign-ins of a user, as an administrator can: their refresh tokens are rejected from now on. */
  revokeSignIns(user: User): void {
    assertOid(checkFields('user', user, ['objectId', 'username', 'name'])['objectId'], 'user.objectId');
    this.#parts.signIns.revoke(user);
  }

  /** Adds a managed identity: the system-assigned identity of this machine, or a user-assigned one. */
  addManagedIdentity(kind: 'systemAssigned' | 'userAssigned', objectId?: string): ManagedIdentity {
    return this.#parts.directory.addManagedIdentity(kind, objectId);
  }

  /** The environment variables with which a program finds the managed identities of a virtual machine. */
  get imdsEnvironment(): Record<string, string> {
    return { AZURE_POD_IDENTITY_AUTHORITY_HOST: this.#metadataHost };
  }

  /** The environment variables with which a program finds the managed identities of App Service, Functions or Container Apps. */
  get appServiceEnvironment(): Record<string, string> {
    return {
      IDENTITY_ENDPOINT: `${this.#metadataHost}/msi/token`,
      IDENTITY_HEADER: this.#metadata.identityHeader,
    };
  }

  /** Makes this application the identity of a pod in AKS, and returns the environment variables of the pod. */
  async addWorkloadIdentity(
    application: Application,
    subject = 'system:serviceaccount:default:workload',
  ): Promise<Record<string, string>> {
    assertOption(application instanceof Application, 'application', application, 'that of addApplication()');
    const { federatedIssuer, folder } = this.#parts;
    application.addFederatedCredential({
      issuer: federatedIssuer.issuer,
      subject,
      audience: EXCHANGE_AUDIENCE,
    });
    const tokenFile = join(folder, `service-account-token-${++this.#workloads}`);
    await writeFile(tokenFile, await this.issueFederatedToken({ subject }), { mode: 0o600 });
    return {
      AZURE_TENANT_ID: this.tenantId,
      AZURE_CLIENT_ID: application.clientId,
      AZURE_FEDERATED_TOKEN_FILE: tokenFile,
      AZURE_AUTHORITY_HOST: this.authorityHost,
    };
  }

  /** Issues a token of a service account, as Kubernetes does. */
  async issueFederatedToken(options: FederatedTokenOptions): Promise<string> {
    assertFederatedTokenOptions(options);
    const { subject, audience = EXCHANGE_AUDIENCE, lifetime = 3_600_000 } = options;
    return this.#parts.federatedIssuer.sign(subject, audience, lifetime);
  }

  /** Closes connections without a reply, until `restored()`. */
  down(): void {
    this.#faults.down();
  }

  /** Delays replies by this time, in ms. */
  slow(ms: number): void {
    assertDelay(ms);
    this.#faults.slow(ms);
  }

  /** Leaves requests unanswered. */
  hanging(): void {
    this.#faults.hanging();
  }

  /** Answers requests with status 429; `retryAfter` in ms, or a date. */
  throttling(options: { retryAfter: number | Date }): void {
    this.#faults.throttling(checkRetryAfter(options));
  }

  /** Answers requests with this status, 500 to 599. */
  failing(status: number): void {
    const isServerError = Number.isInteger(status) && status >= 500 && status <= 599;
    assertOption(isServerError, 'status', status, 'an HTTP status from 500 to 599');
    this.#faults.failing(status);
  }

  /** Ends any fault. */
  restored(): void {
    this.#faults.restored();
  }

  /** Ends the servers and pending requests, and deletes the files. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Stops it: `await using entra = await EntraEmulator.start()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    distrust(this.ca);
    this.#faults.stop();
    await Promise.all(this.#servers.map((server) => server.close()));
    await rm(this.#parts.folder, { recursive: true, force: true });
  }

  async #serve(answer: Answer, address: WebServerAddress): Promise<string> {
    const server = await WebServer.listen({ answer, faults: this.#faults, log: this.#parts.log }, address);
    this.#servers.push(server);
    return server.origin;
  }
}
