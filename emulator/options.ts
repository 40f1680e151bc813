import { AzureRedisError } from '../lib/index.js';
import { assertOption, isDuration, isText } from '../lib/validation.js';
import type { Role } from './access-policy.js';
import { assertProduct, type Product } from './blocked-commands.js';
import type { ClusterSize } from './cluster/cluster-emulator.js';
import type { EntraEmulator } from './entra/index.js';
import { checkTokenSettings, type EmulatorCredential, type TokenSettings } from './identity.js';
import { assertListenOptions, assertPort, LOOPBACK, type ListenOptions } from './listen.js';
import { DEFAULT_USER } from './login.js';
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

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertOid(oid: string): void {
  // The server permits no spaces in a user name, and its own user is named `default`.
  if (/^\S+$/.test(oid) && oid !== DEFAULT_USER) return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    "`oid` must be a string without spaces other than 'default'.",
    'Remove it to get a new object id, or set a GUID, as the object ids of Entra are.',
  );
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertOptions(options: AzureRedisEmulatorOptions): void {
  const { upstream, cluster, product = 'cache', idleTimeout = 0, redisServer } = options;
  const { port = 0, bind = LOOPBACK, hostname = 'localhost' } = options;
  checkTokenSettings(options);
  assertProduct(product);
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
  if (cluster && bind !== LOOPBACK && bind !== '0.0.0.0') {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `\`bind\` must be 127.0.0.1 or 0.0.0.0 with \`cluster\`, got '${bind}'.`,
      'The nodes of a cluster are announced as 127.0.0.1.',
    );
  }
  if (upstream && (cluster ?? redisServer)) {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `\`upstream\` conflicts with \`${cluster ? 'cluster' : 'redisServer'}\`.`,
      'Remove one of them: with `upstream` no server is started.',
    );
  }
}
