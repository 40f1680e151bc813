import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { AzureRedisError } from '../lib/index.js';
import { AccessPolicy, assertRole, type Role } from './access-policy.js';
import type { AdminConnection } from './admin-connection.js';
import { ClusterEmulator } from './cluster/cluster-emulator.js';
import { createCertificateAuthority, namesOf } from './certificates.js';
import { CommandErrors, type FailedCommand } from './command-errors.js';
import { LOOPBACK } from './listen.js';
import { checkRetryAfter, IdentityService } from './identity-service.js';
import { EmulatorCredential, type DefaultTokenSettings } from './identity.js';
import { assertOid } from './login.js';
import { LoginCheck, newAccessKey } from './login-check.js';
import { assertCredentialOptions, assertIssueTokenOptions, assertOptions } from './options.js';
import type {
  AzureRedisEmulatorOptions,
  CredentialOptions,
  EmulatorConnectionOptions,
  IssueTokenOptions,
} from './options.js';
import { newServerPassword } from './redis-server.js';
import { Recorder, type AzureRedisEmulatorEvents, type Statistics } from './statistics.js';
import { createTokenAuthority, type TokenAuthority } from './tokens.js';
import { SingleServer, type Topology } from './topology.js';

interface Parts {
  readonly host: string;
  readonly ca: string;
  /** The password of the servers' default user, as which the access key logs in. */
  readonly serverPassword: string;
  readonly tokens: TokenAuthority;
  readonly settings: DefaultTokenSettings;
}

/**
 * Azure Redis and Entra on this machine, for tests: a TLS endpoint in front of a real redis-server that validates logins and
 * expires tokens as strictly as Azure.
 *
 * It needs redis-server 6.2 or newer (on the `PATH`, or at the path in `REDIS_SERVER`). It keeps the process alive until it is stopped.
 *
 * ```ts
 * const azure = await AzureRedisEmulator.start({ tokenLifetime: 5_000 });
 * const redis = new Redis(await configureForAzure(azure.options));
 * await once(azure, 'token'); // the first refresh
 * await azure.stop();
 * ```
 */
export class AzureRedisEmulator extends EventEmitter<AzureRedisEmulatorEvents> {
  /** The host name in the certificate. */
  readonly host: string;
  /** The authority that issued the endpoint's certificate, as PEM text: what a client passes as `tls.ca`. */
  readonly ca: string;
  readonly #tokens: TokenAuthority;
  readonly #settings: DefaultTokenSettings;
  readonly #policy = new AccessPolicy();
  readonly #check: LoginCheck;
  readonly #errors = new CommandErrors();
  readonly #service = new IdentityService();
  readonly #recorder = new Recorder(this);
  readonly #credential: EmulatorCredential;
  #accessKey = newAccessKey();
  #deployment: Topology | undefined;
  #stopped: Promise<void> | undefined;

  private constructor({ host, ca, serverPassword, tokens, settings }: Parts) {
    super();
    this.host = host;
    this.ca = ca;
    this.#tokens = tokens;
    this.#settings = settings;
    this.#check = new LoginCheck(tokens, this.#policy, () => ({ text: this.#accessKey, serverPassword }));
    this.#credential = this.credential();
  }

  /**
   * Starts an endpoint on a free port of 127.0.0.1, and an Entra that issues its tokens.
   *
   * @throws AzureRedisError `MISSING_DEPENDENCY` if redis-server is missing or does not run,
   *   `INVALID_OPTION` if an option or the upstream is invalid.
   */
  static async start(options: AzureRedisEmulatorOptions = {}): Promise<AzureRedisEmulator> {
    assertOptions(options);
    const {
      upstream,
      cluster,
      entra,
      product = 'managed',
      idleTimeout = 0,
      port = 0,
      bind = LOOPBACK,
      hostname = 'localhost',
      redisServer: program,
      signal,
      tokenLifetime = 3_600_000,
      ...settings
    } = options;
    const authority = await createCertificateAuthority();
    const certificate = await authority.issue(namesOf(hostname, cluster ? [] : [LOOPBACK, '::1']));
    const tokens = entra?.authority ?? (await createTokenAuthority());
    const password = upstream?.password ?? newServerPassword();
    const azure = new AzureRedisEmulator({
      host: hostname,
      ca: authority.ca,
      serverPassword: password,
      tokens,
      settings: { tokenLifetime, ...settings },
    });
    const parts = {
      certificate,
      password,
      program,
      // Azure Managed Redis has database 0 only.
      settings: product === 'managed' ? { databases: '1' } : {},
      signal,
      address: { address: bind, port },
      rules: { check: azure.#check, product, errors: azure.#errors, idleTimeout },
      policy: azure.#policy,
      listener: azure.#recorder,
    };
    try {
      azure.#deployment = cluster
        ? await ClusterEmulator.start(cluster, parts)
        : await SingleServer.start(parts, upstream);
    } catch (error) {
      await azure.stop();
      throw error;
    }
    return azure;
  }

  /** The port that the endpoint listens on. */
  get port(): number {
    return this.#deployment?.port ?? 0;
  }

  /** Options for `configureForAzure()`, with an identity that is permitted everything. */
  get options(): EmulatorConnectionOptions {
    return { host: this.host, port: this.port, tls: { ca: this.ca }, credential: this.#credential };
  }

  /**
   * A client of the real server that bypasses the endpoint, with all permissions: `await azure.server.call('GET', 'counter')`.
   * In a cluster it is that of the first node. It speaks RESP2.
   */
  get server(): AdminConnection {
    // Unreachable: start() returns an instance only once it has started.
    if (!this.#deployment) throw new Error('AzureRedisEmulator is not started.');
    return this.#deployment.server;
  }

  /**
   * The nodes of the cluster: failover, resharding, scaling.
   *
   * @throws AzureRedisError `INVALID_OPTION` if it was started without the option `cluster`.
   */
  get cluster(): ClusterEmulator {
    if (this.#deployment instanceof ClusterEmulator) return this.#deployment;
    throw new AzureRedisError(
      'INVALID_OPTION',
      'The emulator was started without `cluster`.',
      'Start it with `cluster: { masters: 3, replicas: 1 }`.',
    );
  }

  /** The access key of the cache. It logs in as the user `default` and does not expire. */
  get accessKey(): string {
    return this.#accessKey;
  }

  /** Replaces the access key: the old one is rejected from now on. Existing connections stay open. */
  regenerateAccessKey(): void {
    this.#accessKey = newAccessKey();
  }

  /** A snapshot of what has happened so far. */
  get statistics(): Statistics {
    return this.#recorder.snapshot(this.#deployment?.open ?? []);
  }

  /** Creates an identity with access to the cache. Token settings default to those of the `AzureRedisEmulator`. */
  credential(options: CredentialOptions = {}): EmulatorCredential {
    assertCredentialOptions(options);
    const { oid = randomUUID(), role = 'default' } = options;
    if (role !== 'none') {
      // Its logins wait for the assignment; if the server does not accept it, they are rejected with its reason.
      this.#policy.assign(oid, role).catch(() => undefined);
    }
    const issuer = { service: this.#service, tokens: this.#tokens, listener: this.#recorder };
    return new EmulatorCredential(oid, options, this.#settings, issuer);
  }

  /**
   * Assigns an identity this role on the cache, in place of its previous one; this includes its open connections.
   *
   * @throws AzureRedisError `INVALID_OPTION` if there is no such role.
   */
  async assignRole(oid: string, role: Role): Promise<void> {
    assertOid(oid);
    assertRole(role);
    await this.#policy.assign(oid, role);
  }

  /** Removes an identity's access to the cache: its connections are closed and its logins rejected. */
  async removeAccess(oid: string): Promise<void> {
    assertOid(oid);
    await this.#policy.remove(oid);
  }

  /** Issues a token directly, regardless of a simulated fault, for example with unusual claims or an unusual lifetime. */
  async issueToken(options: IssueTokenOptions = {}): Promise<string> {
    assertIssueTokenOptions(options);
    const { oid = this.#credential.oid, lifetime, claims } = options;
    return this.#tokens.sign({ oid, sub: oid, ...claims }, lifetime ?? this.#settings.tokenLifetime);
  }

  /** Creates a token with the claims of `issueToken()`, signed with another key. */
  async forgeToken(options: IssueTokenOptions = {}): Promise<string> {
    const [header = '', claims = '', signature = ''] = (await this.issueToken(options)).split('.');
    const forged = randomBytes(Buffer.from(signature, 'base64url').length).toString('base64url');
    return [header, claims, forged].join('.');
  }

  /** Token requests fail from now on. Default error: Entra is unreachable (`ECONNREFUSED`). */
  identityDown(error?: Error): void {
    this.#service.fail(error);
  }

  /** Token requests are delayed by this time, in ms, from now on. */
  identitySlow(ms: number): void {
    this.#service.slow(ms);
  }

  /**
   * Token requests are not answered from now on. Requests made in the meantime remain unanswered after
   * `identityRestored()`: they end by their `abortSignal` or by `stop()`.
   */
  identityHanging(): void {
    this.#service.hang();
  }

  /** Token requests fail with status 429 from now on; `retryAfter` in ms (sent in whole seconds), or a date. */
  identityThrottling(options: { readonly retryAfter: number | Date }): void {
    this.#service.throttle(checkRetryAfter(options));
  }

  /** Ends any fault of token requests. */
  identityRestored(): void {
    this.#service.restore();
  }

  /** Rejects every login (WRONGPASS) from now on. Connections that are logged in stay open. */
  refuseLogins(): void {
    this.#check.refusesLogins = true;
  }

  /** Ends `refuseLogins`. */
  acceptLogins(): void {
    this.#check.refusesLogins = false;
  }

  /** Rejects HELLO with AUTH (WRONGPASS) from now on, but accepts AUTH, as some Azure endpoints have done. */
  refuseHello(): void {
    this.#check.refusesHello = true;
  }

  /** Ends `refuseHello`. */
  acceptHello(): void {
    this.#check.refusesHello = false;
  }

  /**
   * Answers the next command with this error instead of running it, once: for example
   * `failNextCommand('LOADING Redis is loading the dataset in memory', { command: 'GET' })`. Commands of more than 64 KB pass.
   *
   * @throws AzureRedisError `INVALID_OPTION`
   */
  failNextCommand(error: string, command: FailedCommand = {}): void {
    this.#errors.plan(error, command);
  }

  /** Closes every connection immediately; replies in flight are lost. Returns the number of connections. */
  dropConnections(): number {
    return this.#deployment?.drop() ?? 0;
  }

  /** Ends the endpoint, its connections, pending token requests and redis-server. Further calls have no effect. */
  stop(): Promise<void> {
    this.#service.stop();
    this.#stopped ??= this.#deployment?.stop() ?? Promise.resolve();
    return this.#stopped;
  }

  /** Stops it: `await using azure = await AzureRedisEmulator.start()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
