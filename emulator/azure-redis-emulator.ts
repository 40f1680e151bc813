import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { AzureRedisError } from '../lib/index.js';
import { assertOption, isText } from '../lib/validation.js';
import { AccessPolicy } from './access-policy.js';
import { assertProduct, type Product } from './blocked-commands.js';
import type { Role } from './access-policy.js';
import type { AdminConnection } from './admin-connection.js';
import { ClusterEmulator } from './cluster/cluster-emulator.js';
import type { ClusterSize } from './cluster/cluster-emulator.js';
import { createCertificateAuthority, namesOf } from './certificates.js';
import { SingleServer } from './topology.js';
import type { Topology } from './topology.js';
import type { EntraEmulator } from './entra/index.js';
import { assertListenOptions, assertPort, LOOPBACK } from './listen.js';
import type { ListenOptions } from './listen.js';
import { IdentityService } from './identity-service.js';
import { checkTokenSettings, EmulatorCredential } from './identity.js';
import type { TokenSettings } from './identity.js';
import { LoginCheck } from './login-check.js';
import { DEFAULT_USER } from './login.js';
import { newServerPassword } from './redis-server.js';
import type { Upstream } from './redis-server.js';
import { Recorder } from './statistics.js';
import type { AzureRedisEmulatorEvents, Statistics } from './statistics.js';
import { createTokenAuthority } from './tokens.js';
import type { TokenAuthority } from './tokens.js';

/** The options of `AzureRedisEmulator.start()`. */
export interface AzureRedisEmulatorOptions extends TokenSettings, ListenOptions {
  /**
   * The port to listen on. The nodes of a cluster, which are announced as 127.0.0.1, use the ports after it. Default: 0, for
   * free ports.
   *
   * ```ts
   * const azure = await AzureRedisEmulator.start({ port: 6380 });
   * ```
   */
  readonly port?: number;
  /** The path or name of the redis-server to start. Default: `REDIS_SERVER`, otherwise `redis-server` on the `PATH`. */
  readonly redisServer?: string;
  /** A running redis-server to use. Default: a child process, which `stop()` ends. */
  readonly upstream?: Upstream;
  /** The Entra whose tokens are accepted, from identities that have a role. Default: only tokens of `credential()`. */
  readonly entra?: EntraEmulator;
  /**
   * A clustered cache (OSS cluster policy) of this size: real redis-servers in cluster mode, each behind its own endpoint.
   * It needs redis-server 7.0 or newer. Default: one server, not clustered.
   *
   * ```ts
   * const azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 } });
   * ```
   */
  readonly cluster?: ClusterSize;
  /**
   * The emulated service, which determines the commands that are blocked for every role: `cache` is Azure Cache for Redis,
   * `managed` is Azure Managed Redis. The reply to a blocked command is `ERR unknown command`. Default: `cache`.
   */
  readonly product?: Product;
  /**
   * The time after which a connection without traffic is closed, in ms; 0 for never. Azure: ten minutes. Default: 0, so that
   * a debugger can halt a test.
   */
  readonly idleTimeout?: number;
}

/** The options of `AzureRedisEmulator.credential()`. */
export interface CredentialOptions extends TokenSettings {
  /** The identity's object id. Default: a new one. */
  readonly oid?: string;
  /** Its role on the cache; `none` for an identity without an access policy. Default: `Data Owner`. */
  readonly role?: Role | 'none';
  /** Claims to add to its tokens, or to replace; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The options of `AzureRedisEmulator.issueToken()`. */
export interface IssueTokenOptions {
  /** Default: the identity of `options.credential`. */
  readonly oid?: string;
  /** The lifetime in ms; negative for an expired token. Default: that of the `AzureRedisEmulator`. */
  readonly lifetime?: number;
  /** Claims to add, or to replace; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The options with which `configureForAzure` connects to the emulator. */
export interface EmulatorConnectionOptions {
  /** The host name that the certificate is issued for. */
  readonly host: string;
  /** The port of the endpoint. */
  readonly port: number;
  /** The certificate authority of the endpoint. */
  readonly tls: { readonly ca: string };
  /** A credential with the role Data Owner. */
  readonly credential: EmulatorCredential;
}

interface Parts {
  readonly host: string;
  readonly ca: string;
  /** The password of the servers' default user, as which the access key logs in. */
  readonly serverPassword: string;
  readonly tokens: TokenAuthority;
  readonly settings: TokenSettings;
}

const DEFAULT_LIFETIME = 3_600_000;

/** The longest time that Node's timers can count, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

function newAccessKey(): string {
  return randomBytes(32).toString('base64');
}

function checkOid(oid: string): void {
  // The server permits no spaces in a user name, and its own user is named `default`.
  if (/^\S+$/.test(oid) && oid !== DEFAULT_USER) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    "`oid` must be a string without spaces other than 'default'.",
    'Remove it to get a new object id, or set a GUID, as the object ids of Entra are.',
  );
}

function assertIdleTimeout(idleTimeout: unknown): void {
  if (typeof idleTimeout === 'number' && idleTimeout >= 0 && idleTimeout <= LONGEST_TIMER) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    `\`idleTimeout\` must be a number of milliseconds from 0, got ${JSON.stringify(idleTimeout)}.`,
    'Set 600000 for the idle timeout of Azure, or 0 for none.',
  );
}

/**
 * Azure Redis and Entra on this machine, for tests: a TLS endpoint in front of a real redis-server that validates logins and
 * expires tokens as strictly as Azure.
 *
 * It needs redis-server 6.2 or newer (on the `PATH`, or at the path in `REDIS_SERVER`) and the packages `jose` and
 * `selfsigned`. It keeps the process alive until it is stopped.
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
  readonly #settings: TokenSettings;
  readonly #policy: AccessPolicy;
  readonly #check: LoginCheck;
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
    this.#policy = new AccessPolicy();
    this.#check = new LoginCheck(tokens, this.#policy, () => ({
      text: this.#accessKey,
      serverPassword,
    }));
    this.#credential = this.credential();
  }

  /**
   * Starts an endpoint on a free port of 127.0.0.1, and an Entra that issues its tokens.
   *
   * @throws AzureRedisError `MISSING_DEPENDENCY` if redis-server, `jose` or `selfsigned` is missing or does not run,
   *   `INVALID_OPTION` if an option or the upstream is invalid.
   */
  static async start({
    upstream,
    cluster,
    entra,
    product = 'cache',
    idleTimeout = 0,
    port = 0,
    bind = LOOPBACK,
    hostname = 'localhost',
    redisServer: program,
    ...settings
  }: AzureRedisEmulatorOptions = {}): Promise<AzureRedisEmulator> {
    checkTokenSettings(settings);
    assertProduct(product);
    assertIdleTimeout(idleTimeout);
    assertPort('port', port);
    assertListenOptions({ bind, hostname });
    assertOption(program === undefined || isText(program), 'redisServer', program, 'the path of a program');
    if (cluster && bind !== LOOPBACK && bind !== '0.0.0.0') {
      throw new AzureRedisError(
        'INVALID_OPTION',
        `\`bind\` must be 127.0.0.1 or 0.0.0.0 with \`cluster\`, got '${bind}'.`,
        'The nodes of a cluster are announced as 127.0.0.1.',
      );
    }
    if (upstream && (cluster ?? program)) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        `\`upstream\` conflicts with \`${cluster ? 'cluster' : 'redisServer'}\`.`,
        'Remove one of them: with `upstream` no server is started.',
      );
    }
    const authority = await createCertificateAuthority();
    const certificate = await authority.issue(namesOf(hostname, cluster ? [] : [LOOPBACK, '::1']));
    const tokens = entra?.authority ?? (await createTokenAuthority());
    const password = upstream?.password ?? newServerPassword();
    const azure = new AzureRedisEmulator({
      host: hostname,
      ca: authority.ca,
      serverPassword: password,
      tokens,
      settings,
    });
    const parts = {
      certificate,
      password,
      program,
      address: { address: bind, port },
      rules: { check: azure.#check, product, idleTimeout },
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

  /** Options for `configureForAzure()`, with an identity that has the role Data Owner. */
  get options(): EmulatorConnectionOptions {
    return { host: this.host, port: this.port, tls: { ca: this.ca }, credential: this.#credential };
  }

  /**
   * A client of the real server that bypasses the endpoint, with all permissions: `await azure.server.call('GET', 'counter')`.
   * In a cluster it is that of the first node. It speaks RESP2.
   */
  get server(): AdminConnection {
    return this.#deployed.server;
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
  credential({ role = 'Data Owner', ...options }: CredentialOptions = {}): EmulatorCredential {
    const { oid = randomUUID(), claims = {} } = options;
    checkOid(oid);
    checkTokenSettings(options);
    const defaults = this.#settings;
    const identity = {
      oid,
      claims,
      tokenLifetime: options.tokenLifetime ?? defaults.tokenLifetime ?? DEFAULT_LIFETIME,
      refreshAfter: options.refreshAfter ?? defaults.refreshAfter,
      cacheTokens: options.cacheTokens ?? defaults.cacheTokens ?? false,
    };
    if (role !== 'none') {
      // Its logins wait for the assignment, and are rejected if the server does not accept it.
      this.#policy.assign(oid, role).catch(() => undefined);
    }
    return new EmulatorCredential(identity, {
      service: this.#service,
      tokens: this.#tokens,
      listener: this.#recorder,
    });
  }

  /** Assigns an identity this role on the cache, in place of its previous one; this includes its open connections. */
  async assignRole(oid: string, role: Role): Promise<void> {
    checkOid(oid);
    await this.#policy.assign(oid, role);
  }

  /** Removes an identity's access to the cache: its connections are closed and its logins rejected. */
  async removeAccess(oid: string): Promise<void> {
    await this.#policy.remove(oid);
  }

  /** Issues a token directly, regardless of a simulated fault, for example with unusual claims or an unusual lifetime. */
  issueToken(options: IssueTokenOptions = {}): Promise<string> {
    const { oid = this.#credential.oid, lifetime, claims } = options;
    return this.#tokens.sign(
      { oid, sub: oid, ...claims },
      lifetime ?? this.#settings.tokenLifetime ?? DEFAULT_LIFETIME,
    );
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
  identityThrottling({ retryAfter }: { readonly retryAfter: number | Date }): void {
    this.#service.throttle(retryAfter);
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

  /** Closes every connection immediately; replies in flight are lost. Returns the number of connections. */
  dropConnections(): number {
    return this.#deployment?.drop() ?? 0;
  }

  /** Ends the endpoint, its connections, pending token requests and redis-server. Further calls have no effect. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Stops it: `await using azure = await AzureRedisEmulator.start()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#service.stop();
    await this.#deployment?.stop();
  }

  get #deployed(): Topology {
    // Unreachable: start() returns an instance only once it has started.
    if (!this.#deployment) throw new Error('AzureRedisEmulator is not started.');
    return this.#deployment;
  }
}
