import { authenticatorFor, type Authenticator } from '../authenticator.js';
import { AccessKeyProvider } from '../credentials/access-key.js';
import { TokenCycle } from '../credentials/token-cycle.js';
import type { ConnectorClass } from '../ioredis/connector.js';
import { assertOption, isObject, kindOf } from '../validation.js';
import { VERSION } from '../version.js';
import {
  clusterOptionsForAzure,
  nodeOptionsOf,
  type AzureClusterArguments,
  type ConfigureClusterForAzureOptions,
} from './cluster.js';
import { endpointOptions, requireDatabase } from './endpoint.js';
import { checkIdentity, tokenRequestOf } from './identity.js';
import { ADDED_OPTIONS, checkNames } from './names.js';
import type { ConfiguredRedisOptions, ConfigureForAzureOptions } from './options.js';
import { authenticatorSettings } from './settings.js';

/**
 * Builds the options of ioredis clients that log in to Azure Redis with Microsoft Entra ID and stay logged in for as
 * long as the process runs. Any number of clients can be created from the options, at any time, also by libraries.
 *
 * @example
 * ```ts
 * const redis = new Redis(await configureForAzure({ host: 'my-cache.westeurope.redis.azure.net' }));
 * ```
 *
 * @param options The host, the identity, and any options of ioredis.
 * @returns Options of ioredis, and the `authenticator` that keeps their clients logged in.
 * @throws AzureRedisError at once if an option is missing, invalid or contradicts another, or if the identity service
 *   refuses permanently; `TOKEN_UNAVAILABLE` if the first token was not acquired after `retry.retries` more attempts.
 */
export async function configureForAzure(options: ConfigureForAzureOptions): Promise<ConfiguredRedisOptions> {
  checkOptions(options);
  checkNames(options);
  const endpoint = endpointOptions(options);
  checkIdentity(options);
  const authenticator = options.authenticator ?? (await createAuthenticator(options));
  const { password, Connector } = authenticator.login;
  if (endpoint.tls) authenticator.allowServer(endpoint.tls.servername ?? options.host);

  const given = Object.entries(options).filter(([name]) => !ADDED_OPTIONS.has(name));
  const configured = {
    ...Object.fromEntries(given),
    ...endpoint,
    username: authenticator.username,
    password,
    Connector: options.Connector ?? withDatabaseCheck(Connector),
    clientInfoTag: clientInfoTag(options.clientInfoTag),
    authenticator,
  };
  // ioredis converts the password to a string whenever it logs in, and `tls` may be false, but its types allow neither.
  return configured as unknown as ConfiguredRedisOptions;
}

/**
 * Builds the arguments of an ioredis `Cluster`: the options of `configureForAzure()` for each node, and options of the
 * cluster that suit Azure better than the defaults of ioredis:
 *
 * - `dnsLookup` keeps the host name, so that it is resolved for each connection, not once.
 * - `redisOptions.tls.servername` is the host name: nodes announce IP addresses, for which the certificate is not valid.
 * - `slotsRefreshTimeout: 5000` ms instead of 1000, since each refresh opens a connection, with TLS and a login.
 * - `clusterRetryStrategy` waits from 0.1 s to 2 s, at random, instead of ten times a second.
 * - `maxRedirections: 64`, `retryDelayOnFailover: 500` and `retryDelayOnClusterDown: 500` ms retry a command for 16 s,
 *   as long as a failover may take, instead of one.
 * - `retryDelayOnMoved: 100` ms instead of none leaves time for a refresh of the slots while they move. Without it,
 *   commands are redirected until they fail with "Too many Cluster redirections".
 *
 * @example
 * ```ts
 * const cluster = new Cluster(...(await configureClusterForAzure({ host, cluster: { scaleReads: 'slave' } })));
 * ```
 *
 * @param options The options of `configureForAzure()`, and in `cluster` any options of a cluster, which take precedence.
 * @returns The startup nodes and the options; `redisOptions.authenticator` keeps all connections logged in.
 * @throws AzureRedisError as `configureForAzure()` does; `CONFLICTING_OPTIONS` for `path` or `db`.
 */
export async function configureClusterForAzure(
  options: ConfigureClusterForAzureOptions,
): Promise<AzureClusterArguments> {
  checkOptions(options);
  const redisOptions = await configureForAzure(nodeOptionsOf(options));
  const { host, port } = redisOptions;
  return [[{ host, port }], { ...clusterOptionsForAzure(options.cluster ?? {}), redisOptions }];
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkOptions(options: unknown): void {
  assertOption(isObject(options), 'options', options, 'an object', {
    hint: "Call it with { host: 'my-cache.westeurope.redis.azure.net' } and, unless DefaultAzureCredential applies, an identity.",
    got: kindOf(options),
  });
}

async function createAuthenticator(options: ConfigureForAzureOptions): Promise<Authenticator> {
  const settings = authenticatorSettings(options);
  const { username = 'default', cycle, heartbeat } = settings;
  // Beside an access key, `username` is no function: those need a token, and are rejected.
  const provider =
    options.accessKey === undefined
      ? await TokenCycle.start(tokenRequestOf(options, settings), cycle)
      : await AccessKeyProvider.start(options.accessKey, String(username), cycle);
  return authenticatorFor(provider, heartbeat);
}

/** A URL given to ioredis beside the options may name another database than they do. */
function withDatabaseCheck(Connector: ConnectorClass): ConnectorClass {
  return class extends Connector {
    constructor(options: unknown) {
      super(options);
      requireDatabase(options as Partial<ConfiguredRedisOptions>);
    }
  };
}

/** Shows operators, in `CLIENT LIST`, that this package manages the connection, beside the user's own tag. */
export function clientInfoTag(given: string | undefined): string {
  const own = `ioredis-azure_v${VERSION}`;
  if (!given) return own;
  return given.split(';').includes(own) ? given : `${given};${own}`;
}
