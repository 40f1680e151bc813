import { assertOption, checkFields, invalidOption, isDuration, isText, kindOf } from '../lib/validation.js';
import { assertRole, type Role } from './access-policy.js';
import type { Product } from './blocked-commands.js';
import type { ClusterSize } from './cluster/cluster-emulator.js';
import type { EntraEmulator } from './entra/index.js';
import { assertTokenSettings, type EmulatorCredential, type TokenSettings } from './identity.js';
import { assertListenOptions, assertPort, LOOPBACK, type ListenOptions } from './listen.js';
import { assertOid } from './login.js';
import type { Upstream } from './redis-server.js';

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
   * The emulated service: `managed` is Azure Managed Redis, which has database 0 only, `cache` is Azure Cache for Redis. It
   * also determines the commands that are blocked for every role, whose reply is `ERR unknown command`. Default: `managed`.
   */
  readonly product?: Product;
  /**
   * The time after which a connection without traffic is closed, in ms; 0 for never. Azure: ten minutes. Default: 0, so that
   * a debugger can halt a test.
   */
  readonly idleTimeout?: number;
  /** Ends the servers when it aborts, and with them a start in progress. */
  readonly signal?: AbortSignal;
}

const EMULATOR_OPTIONS = [
  'tokenLifetime',
  'refreshAfter',
  'cacheTokens',
  'product',
  'cluster',
  'port',
  'bind',
  'hostname',
  'redisServer',
  'upstream',
  'entra',
  'idleTimeout',
  'signal',
] as const satisfies (keyof AzureRedisEmulatorOptions)[];

const PRODUCTS: readonly Product[] = ['managed', 'cache'];

/** The number of redis-servers that one emulator starts, for a cluster. */
const MOST_NODES = 30;

/** The options of `AzureRedisEmulator.credential()`. */
export interface CredentialOptions extends TokenSettings {
  /** The identity's object id. Default: a new one. */
  readonly oid?: string;
  /** Its access policy on the cache; `none` for an identity without one. Default: `default`, which permits everything. */
  readonly role?: Role | 'none';
  /** Claims to add to its tokens, or to replace; `undefined` removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

const CREDENTIAL_OPTIONS = [
  'oid',
  'role',
  'claims',
  'tokenLifetime',
  'refreshAfter',
  'cacheTokens',
] as const satisfies (keyof CredentialOptions)[];

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
  /** A credential that is permitted everything. */
  readonly credential: EmulatorCredential;
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertCredentialOptions(options: CredentialOptions): void {
  const { oid, role = 'none', claims = {} } = checkFields('options', options, CREDENTIAL_OPTIONS);
  if (oid !== undefined) assertOid(oid);
  if (role !== 'none') assertRole(role);
  assertClaims(claims);
  assertTokenSettings(options);
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertIssueTokenOptions(options: IssueTokenOptions): void {
  const { lifetime = 0, claims = {} } = checkFields('options', options, ['oid', 'lifetime', 'claims']);
  assertOption(Number.isFinite(lifetime), 'lifetime', lifetime, 'a number of milliseconds');
  assertClaims(claims);
}

function assertClaims(claims: unknown): void {
  assertOption(kindOf(claims) === 'an object', 'claims', claims, 'an object', { got: kindOf(claims) });
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertOptions(options: AzureRedisEmulatorOptions): void {
  checkFields('options', options, EMULATOR_OPTIONS);
  const { upstream, cluster, entra, product = 'managed', idleTimeout = 0, redisServer } = options;
  const { port = 0, bind = LOOPBACK, hostname = 'localhost' } = options;
  assertTokenSettings(options);
  assertOption(PRODUCTS.includes(product), 'product', product, "'managed' or 'cache'", {
    hint: "Set 'managed' for Azure Managed Redis, or 'cache' for Azure Cache for Redis.",
  });
  assertOption(isDuration(idleTimeout), 'idleTimeout', idleTimeout, 'a number of milliseconds from 0', {
    hint: 'Set 600000 for the idle timeout of Azure, or 0 for none.',
  });
  assertPort('port', port);
  assertListenOptions({ bind, hostname });
  assertOption(
    redisServer === undefined || isText(redisServer),
    'redisServer',
    redisServer,
    'the path of a program',
  );
  assertOption(entra === undefined || isEntra(entra), 'entra', entra, 'an EntraEmulator', {
    hint: 'Set it to the result of `await EntraEmulator.start()`.',
  });
  if (upstream !== undefined) assertUpstream(upstream);
  if (cluster !== undefined) assertClusterSize(cluster);
  if (cluster && bind !== LOOPBACK && bind !== '0.0.0.0') {
    throw invalidOption(
      `\`bind\` must be 127.0.0.1 or 0.0.0.0 with \`cluster\`, got '${bind}'.`,
      'The nodes of a cluster are announced as 127.0.0.1.',
    );
  }
  if (upstream && (cluster ?? redisServer)) {
    throw invalidOption(
      `\`upstream\` conflicts with \`${cluster ? 'cluster' : 'redisServer'}\`.`,
      'Remove one of them: with `upstream` no server is started.',
    );
  }
}

// An emulator of another copy of the package is one, too.
function isEntra(entra: unknown): boolean {
  return typeof entra === 'object' && entra !== null && 'authority' in entra;
}

function assertUpstream(upstream: unknown): void {
  const { host, port, password } = checkFields('upstream', upstream, ['host', 'port', 'password']);
  assertOption(isText(host), 'upstream.host', host, 'a host name or IP address');
  assertPort('upstream.port', port, { least: 1, hint: 'Set it to the port of redis-server, for plain TCP.' });
  assertOption(typeof password === 'string', 'upstream.password', password, 'a string', {
    hint: 'Set it to the password of its default user (requirepass).',
    got: kindOf(password),
  });
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertClusterSize(cluster: unknown): void {
  const { masters, replicas = 0 } = checkFields('cluster', cluster, ['masters', 'replicas']);
  const count = (name: string, value: unknown, least: number): number => {
    const isCount = typeof value === 'number' && Number.isInteger(value) && value >= least;
    assertOption(isCount, `cluster.${name}`, value, `a whole number from ${least}`);
    return value;
  };
  const nodes = count('masters', masters, 1) * (1 + count('replicas', replicas, 0));
  if (nodes <= MOST_NODES) return;
  throw invalidOption(
    `\`cluster\` has ${nodes} nodes, and at most ${MOST_NODES} can run.`,
    `Each node is a redis-server of its own: ask for ${MOST_NODES} masters and replicas or fewer.`,
  );
}
