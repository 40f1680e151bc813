import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { AzureRedisError } from '../lib/index.js';
import { AccessPolicy } from './access-policy.js';
import { assertProduct, type Product } from './blocked-commands.js';
import type { Role } from './access-policy.js';
import type { AdminConnection } from './admin-connection.js';
import { ClusterEmulator } from './cluster/cluster-emulator.js';
import type { ClusterSize } from './cluster/cluster-emulator.js';
import { createCertificateAuthority } from './certificates.js';
import { SingleServer } from './topology.js';
import type { Topology } from './topology.js';
import type { EntraEmulator } from './entra/index.js';
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
export interface AzureRedisEmulatorOptions extends TokenSettings {
  /** A redis-server that runs already, in place of one of our own. Default: a child process, ended by `stop()`. */
  readonly upstream?: Upstream;
  /** Whose tokens are taken, from identities that are given a role. Default: those of its own `credential()`s only. */
  readonly entra?: EntraEmulator;
  /**
   * A clustered cache (the OSS cluster policy) of this size: real redis-servers in cluster mode, each behind an endpoint
   * of its own. It needs redis-server 7.0 or newer. Default: one server, not clustered.
   *
   * ```ts
   * const azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 } });
   * ```
   */
  readonly cluster?: ClusterSize;
  /**
   * Which service it stands for, of which the commands that Azure blocks for every role depend: `cache` is Azure Cache
   * for Redis, `managed` Azure Managed Redis. A blocked command is answered `ERR unknown command`. Default: `cache`.
   */
  readonly product?: Product;
  /**
   * After how long a connection without any traffic is closed, in ms; 0 for never. Azure: ten minutes. Default: 0, so that
   * a debugger may halt a test.
   */
  readonly idleTimeout?: number;
}

/** The options of `AzureRedisEmulator.credential()`. */
export interface CredentialOptions extends TokenSettings {
  /** The identity's object id. Default: a new one. */
  readonly oid?: string;
  /** What it may do on the cache; `none`: it is known to Entra, but has no access policy. Default: `Data Owner`. */
  readonly role?: Role | 'none';
  /** Claims of its tokens, in addition to the usual ones or in place of them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The options of `AzureRedisEmulator.issueToken()`. */
export interface IssueTokenOptions {
  /** Default: the identity of `options.credential`. */
  readonly oid?: string;
  /** In ms; less than 0 for a token that has expired already. Default: that of the `AzureRedisEmulator`. */
  readonly lifetime?: number;
  /** Claims in addition to the usual ones or in place of them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What a client of this endpoint needs, ready for `configureForAzure`. */
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
  readonly ca: string;
  /** The password of the servers' default user, which the access key stands for. */
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
  // The server takes no spaces in the name of a user, and the name of its default user is taken.
  if (/^\S+$/.test(oid) && oid !== DEFAULT_USER) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    'The oid given cannot be the name of a user.',
    'Leave it out to get a new one, or give any text without spaces; object ids in Entra are GUIDs.',
  );
}

function assertIdleTimeout(idleTimeout: unknown): void {
  if (typeof idleTimeout === 'number' && idleTimeout >= 0 && idleTimeout <= LONGEST_TIMER) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    `\`idleTimeout\` must be a number of milliseconds from 0, got ${JSON.stringify(idleTimeout)}.`,
    'Use 600000 for what Azure does, 0 for connections that stay open.',
  );
}

/**
 * Azure Redis and Entra on this machine, for tests: a TLS endpoint before a real redis-server, as strict as Azure about
 * who may log in, with what, as whom and for how long.
 *
 * It needs redis-server 6.2 or newer (on the PATH, or where `REDIS_SERVER` says) and the packages `jose` and
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
  /** The name that the certificate is for. */
  readonly host = 'localhost';
  /** The certificate authority that the endpoint's certificate is of, as PEM text: what a client passes as `tls.ca`. */
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

  private constructor({ ca, serverPassword, tokens, settings }: Parts) {
    super();
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
   * Starts an endpoint on a free port of 127.0.0.1, and an Entra to log in to it with.
   *
   * Rejects with an `AzureRedisError`: `MISSING_DEPENDENCY` when redis-server, `jose` or `selfsigned` is missing or does
   * not run, `INVALID_OPTION` when an option or the upstream cannot be used.
   */
  static async start({
    upstream,
    cluster,
    entra,
    product = 'cache',
    idleTimeout = 0,
    ...settings
  }: AzureRedisEmulatorOptions = {}): Promise<AzureRedisEmulator> {
    checkTokenSettings(settings);
    assertProduct(product);
    assertIdleTimeout(idleTimeout);
    if (upstream && cluster) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'Both `upstream` and `cluster` were given.',
        'Leave one of them out: the servers of a cluster are always started for it.',
      );
    }
    const authority = await createCertificateAuthority();
    const addresses = cluster ? [] : ['127.0.0.1', '::1'];
    const certificate = await authority.issue({ dns: ['localhost'], ip: addresses });
    const tokens = entra?.authority ?? (await createTokenAuthority());
    const password = upstream?.password ?? newServerPassword();
    const azure = new AzureRedisEmulator({ ca: authority.ca, serverPassword: password, tokens, settings });
    const parts = {
      certificate,
      password,
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

  /** What a client needs, to be spread into `configureForAzure`; its identity has the role Data Owner. */
  get options(): EmulatorConnectionOptions {
    return { host: this.host, port: this.port, tls: { ca: this.ca }, credential: this.#credential };
  }

  /**
   * The real server, past the endpoint, as a user who may do everything: `await azure.server.call('GET', 'counter')`.
   * Of a cluster, it is the first node's. It answers as in RESP2.
   */
  get server(): AdminConnection {
    return this.#deployed.server;
  }

  /**
   * The nodes of the cluster, and what can happen to them.
   *
   * @throws AzureRedisError `INVALID_OPTION` if it was not started with the option `cluster`.
   */
  get cluster(): ClusterEmulator {
    if (this.#deployment instanceof ClusterEmulator) return this.#deployment;
    throw new AzureRedisError(
      'INVALID_OPTION',
      'This AzureRedisEmulator is not clustered.',
      'Start it with `cluster: { masters: 3, replicas: 1 }`.',
    );
  }

  /** The access key of the cache: it logs in as the user `default`, for as long as the connection lives. */
  get accessKey(): string {
    return this.#accessKey;
  }

  /** Replaces the access key: the old one no longer logs in. Connections that it logged in stay. */
  regenerateAccessKey(): void {
    this.#accessKey = newAccessKey();
  }

  /** What happened so far. It does not change any more: ask again for what happened since. */
  get statistics(): Statistics {
    return this.#recorder.snapshot(this.#deployment?.open ?? []);
  }

  /** Makes an identity, and gives it access to the cache. Token settings not given are those of the `AzureRedisEmulator`. */
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
      // Its logins wait for it, and are refused should the server not take it.
      this.#policy.assign(oid, role).catch(() => undefined);
    }
    return new EmulatorCredential(identity, {
      service: this.#service,
      tokens: this.#tokens,
      listener: this.#recorder,
    });
  }

  /** Gives an identity this role on the cache, in place of the one that it had. Its connections stay, and have it too. */
  async assignRole(oid: string, role: Role): Promise<void> {
    checkOid(oid);
    await this.#policy.assign(oid, role);
  }

  /** Takes an identity's access to the cache away. Its connections are closed, its logins refused. */
  async removeAccess(oid: string): Promise<void> {
    await this.#policy.remove(oid);
  }

  /** Signs a token by hand, whatever the identity service's fault, for tests of tokens that are out of the ordinary. */
  issueToken(options: IssueTokenOptions = {}): Promise<string> {
    const { oid = this.#credential.oid, lifetime, claims } = options;
    return this.#tokens.sign(
      { oid, sub: oid, ...claims },
      lifetime ?? this.#settings.tokenLifetime ?? DEFAULT_LIFETIME,
    );
  }

  /** Makes a token that says the same as one of `issueToken`, but that somebody else signed. */
  async forgeToken(options: IssueTokenOptions = {}): Promise<string> {
    const [header = '', claims = '', signature = ''] = (await this.issueToken(options)).split('.');
    const forged = randomBytes(Buffer.from(signature, 'base64url').length).toString('base64url');
    return [header, claims, forged].join('.');
  }

  /** From now on requests for tokens fail. Default: as when Entra cannot be reached, with code `ECONNREFUSED`. */
  identityDown(error?: Error): void {
    this.#service.fail(error);
  }

  /** From now on requests for tokens are answered after this time only. */
  identitySlow(ms: number): void {
    this.#service.slow(ms);
  }

  /**
   * From now on requests for tokens are not answered. Those made meanwhile stay so, also after `identityRestored`: they
   * end by their `abortSignal`, or at `stop()`.
   */
  identityHanging(): void {
    this.#service.hang();
  }

  /** From now on requests for tokens fail with status 429; `retryAfter` in ms (whole seconds are sent), or a date. */
  identityThrottling({ retryAfter }: { readonly retryAfter: number | Date }): void {
    this.#service.throttle(retryAfter);
  }

  /** Ends whatever fault the identity side has. */
  identityRestored(): void {
    this.#service.restore();
  }

  /** From now on every login is refused (WRONGPASS). Connections that are logged in stay. */
  refuseLogins(): void {
    this.#check.refusesLogins = true;
  }

  /** Ends `refuseLogins`. */
  acceptLogins(): void {
    this.#check.refusesLogins = false;
  }

  /** From now on HELLO with AUTH is refused (WRONGPASS) although AUTH logs in, as some Azure endpoints have done. */
  refuseHello(): void {
    this.#check.refusesHello = true;
  }

  /** Ends `refuseHello`. */
  acceptHello(): void {
    this.#check.refusesHello = false;
  }

  /** Closes every connection on the spot, what is in flight being lost. Says how many these were. */
  dropConnections(): number {
    return this.#deployment?.drop() ?? 0;
  }

  /** Ends everything: connections, endpoint, requests for tokens, redis-server. Another call changes nothing. */
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
    // Nobody gets hold of one that did not start.
    if (!this.#deployment) throw new Error('AzureRedisEmulator is not started.');
    return this.#deployment;
  }
}
