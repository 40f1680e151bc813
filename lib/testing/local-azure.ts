import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { AccessPolicy } from './access-policy.js';
import type { Role } from './access-policy.js';
import type { AdminConnection } from './admin-connection.js';
import { createCertificateAuthority } from './certificates.js';
import { Endpoint } from './endpoint.js';
import type { EndpointListener } from './endpoint.js';
import { IdentityService } from './identity-service.js';
import { LocalCredential } from './identity.js';
import type { Issuer, TokenSettings } from './identity.js';
import { LoginCheck } from './login-check.js';
import { DEFAULT_USER } from './login.js';
import { attachRedisServer, startRedisServer } from './redis-server.js';
import type { RedisServer, Upstream } from './redis-server.js';
import { Recorder } from './statistics.js';
import type { LocalAzureEvents, Statistics } from './statistics.js';
import { createTokenAuthority } from './tokens.js';
import type { TokenAuthority } from './tokens.js';

export interface LocalAzureOptions extends TokenSettings {
  /** A redis-server that runs already, in place of one of our own. Default: a child process, ended by `stop()`. */
  readonly upstream?: Upstream;
}

export interface CredentialOptions extends TokenSettings {
  /** The identity's object id. Default: a new one. */
  readonly oid?: string;
  /** What it may do on the cache; `none`: it is known to Entra, but has no access policy. Default: `Data Owner`. */
  readonly role?: Role | 'none';
  /** Claims of its tokens, in addition to the usual ones or in place of them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TokenOptions {
  /** Default: the identity of `options.credential`. */
  readonly oid?: string;
  /** In ms; less than 0 for a token that has expired already. Default: that of the `LocalAzure`. */
  readonly lifetime?: number;
  /** Claims in addition to the usual ones or in place of them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What a client of this endpoint needs, ready for `configureForAzure`. */
export interface LocalAzureConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly ca: string };
  readonly credential: LocalCredential;
}

interface Parts {
  readonly ca: string;
  readonly server: RedisServer;
  readonly tokens: TokenAuthority;
  readonly settings: TokenSettings;
}

const DEFAULT_LIFETIME = 3_600_000;

export class LocalAzure extends EventEmitter<LocalAzureEvents> {
  readonly host = 'localhost';
  readonly ca: string;
  readonly #server: RedisServer;
  readonly #tokens: TokenAuthority;
  readonly #settings: TokenSettings;
  readonly #policy: AccessPolicy;
  readonly #check: LoginCheck;
  readonly #identity = new IdentityService();
  readonly #recorder = new Recorder(this);
  readonly #credential: LocalCredential;
  #accessKey = randomBytes(32).toString('base64');
  #endpoint: Endpoint | undefined;
  #stopped: Promise<void> | undefined;

  private constructor({ ca, server, tokens, settings }: Parts) {
    super();
    this.ca = ca;
    this.#server = server;
    this.#tokens = tokens;
    this.#settings = settings;
    this.#policy = new AccessPolicy(server.admin);
    this.#check = new LoginCheck(tokens, this.#policy, () => ({
      text: this.#accessKey,
      serverPassword: server.defaultPassword,
    }));
    this.#credential = this.credential();
  }

  /** Starts an Azure Redis endpoint, and an Entra to log in to it with, on this machine. */
  static async start({ upstream, ...settings }: LocalAzureOptions = {}): Promise<LocalAzure> {
    const authority = await createCertificateAuthority();
    const certificate = await authority.issue({ dns: ['localhost'], ip: ['127.0.0.1', '::1'] });
    const tokens = await createTokenAuthority();
    const server = upstream === undefined ? await startRedisServer() : await attachRedisServer(upstream);
    const azure = new LocalAzure({ ca: authority.ca, server, tokens, settings });
    azure.#endpoint = await Endpoint.listen(
      { certificate, check: azure.#check, connectServer: () => server.connect() },
      azure.#endpointListener(),
    );
    return azure;
  }

  get port(): number {
    return this.#endpoint?.port ?? 0;
  }

  get options(): LocalAzureConnectionOptions {
    return { host: this.host, port: this.port, tls: { ca: this.ca }, credential: this.#credential };
  }

  get server(): AdminConnection {
    return this.#server.admin;
  }

  get accessKey(): string {
    return this.#accessKey;
  }

  regenerateAccessKey(): void {
    this.#accessKey = randomBytes(32).toString('base64');
  }

  get statistics(): Statistics {
    return this.#recorder.snapshot(this.#endpoint?.open ?? []);
  }

  credential({
    oid = randomUUID(),
    role = 'Data Owner',
    claims,
    ...settings
  }: CredentialOptions = {}): LocalCredential {
    if (role !== 'none') {
      // A login waits for it, and is refused if the server would not have it.
      this.#policy.assign(oid, role).catch(() => undefined);
    }
    return new LocalCredential(oid, this.#issuer(), { ...this.#settings, ...settings }, claims);
  }

  assignRole(oid: string, role: Role): Promise<void> {
    return this.#policy.assign(oid, role);
  }

  removeAccess(oid: string): Promise<void> {
    return this.#policy.remove(oid);
  }

  issueToken({ oid = this.#credential.oid, lifetime, claims }: TokenOptions = {}): Promise<string> {
    return this.#tokens.sign(
      { oid, sub: oid, ...claims },
      lifetime ?? this.#settings.tokenLifetime ?? DEFAULT_LIFETIME,
    );
  }

  identityDown(error?: Error): void {
    this.#identity.fail(error);
  }

  identitySlow(ms: number): void {
    this.#identity.slow(ms);
  }

  identityHanging(): void {
    this.#identity.hang();
  }

  identityThrottling({ retryAfter }: { retryAfter: number | Date }): void {
    this.#identity.throttle(retryAfter);
  }

  identityRestored(): void {
    this.#identity.restore();
  }

  refuseLogins(): void {
    this.#check.refusesLogins = true;
  }

  acceptLogins(): void {
    this.#check.refusesLogins = false;
  }

  refuseHello(): void {
    this.#check.refusesHello = true;
  }

  acceptHello(): void {
    this.#check.refusesHello = false;
  }

  dropConnections(): number {
    return this.#endpoint?.drop() ?? 0;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#identity.stop();
    await this.#endpoint?.close();
    await this.#policy.removeAll().catch(() => undefined);
    await this.#server.stop();
  }

  #issuer(): Issuer {
    return {
      service: this.#identity,
      tokens: this.#tokens,
      requested: (oid) => {
        this.#recorder.tokenRequest({ at: new Date(), oid });
      },
      issued: (oid, expiresOn) => {
        this.#recorder.token({ at: new Date(), oid, expiresOn });
      },
    };
  }

  #endpointListener(): EndpointListener {
    const recorder = this.#recorder;
    let connections = 0;
    return {
      opened: () => {
        connections++;
        recorder.connection({ at: new Date(), connection: connections });
        return connections;
      },
      loggedIn: (connection, { user, method, expiresOn }) => {
        const at = new Date();
        recorder.login({
          at,
          connection,
          user,
          method,
          expiresOn: expiresOn === undefined ? undefined : new Date(expiresOn),
        });
      },
      refused: (connection, { user, method, reason = 'the server refused it' }) => {
        const known = user === DEFAULT_USER || this.#policy.knows(user);
        recorder.refusal({
          at: new Date(),
          connection,
          user: known ? user : undefined,
          method,
          reason,
        });
      },
      evicted: (connection, user, expiresOn) => {
        recorder.eviction({ at: new Date(), connection, user, expiresOn: new Date(expiresOn) });
      },
      closed: (connection) => {
        recorder.close({ at: new Date(), connection });
      },
    };
  }
}
