import { authenticatorFor, type Authenticator } from '../authenticator.js';
import { assertOption, kindOf } from '../validation.js';
import { VERSION } from '../version.js';
import {
  clusterOptionsForAzure,
  nodeOptionsOf,
  type AzureClusterArguments,
  type ConfigureClusterForAzureOptions,
} from './cluster.js';
import { endpointOptions } from './endpoint.js';
import { ADDED_OPTIONS, checkIdentity, startProvider } from './identity.js';
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
  const endpoint = endpointOptions(options);
  checkIdentity(options);
  const authenticator = options.authenticator ?? (await createAuthenticator(options));
  const { password, Connector } = authenticator.login;
  if (endpoint.tls && endpoint.host) authenticator.trustServer(endpoint.tls.servername ?? endpoint.host);

  return {
    ...redisOptionsOf(options),
    ...endpoint,
    username: authenticator.username,
    // ioredis converts the password to a string whenever it logs in, but its types allow only strings.
    password: password as unknown as string,
    ...(!options.Connector && !options.sentinels && { Connector }),
    clientInfoTag: clientInfoTag(options.clientInfoTag),
    authenticator,
  };
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
 * @throws AzureRedisError as `configureForAzure()` does; `CONFLICTING_OPTIONS` for `path`, `sentinels` or `db`.
 */
export async function configureClusterForAzure(
  options: ConfigureClusterForAzureOptions,
): Promise<AzureClusterArguments> {
  checkOptions(options);
  const redisOptions = await configureForAzure(nodeOptionsOf(options));
  const { host = '', port = 0 } = redisOptions;
  return [[{ host, port }], { ...clusterOptionsForAzure(options.cluster ?? {}), redisOptions }];
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkOptions(options: unknown): void {
  assertOption(typeof options === 'object' && options !== null, 'options', options, 'an object', {
    hint: "Call it with { host: 'my-cache.westeurope.redis.azure.net' } and, unless DefaultAzureCredential applies, an identity.",
    got: kindOf(options),
  });
}

async function createAuthenticator(options: ConfigureForAzureOptions): Promise<Authenticator> {
  const settings = authenticatorSettings(options);
  return authenticatorFor(await startProvider(options, settings), settings.heartbeat);
}

/** The options of ioredis, without `tls`, which is part of the endpoint. */
function redisOptionsOf(options: ConfigureForAzureOptions): Omit<ConfiguredRedisOptions, 'authenticator'> {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => name !== 'tls' && !ADDED_OPTIONS.has(name)),
  );
}

/** Shows operators, in `CLIENT LIST`, that this package manages the connection, beside the user's own tag. */
export function clientInfoTag(given: string | undefined): string {
  const own = `ioredis-azure_v${VERSION}`;
  if (!given) return own;
  return given.split(';').includes(own) ? given : `${given};${own}`;
}
