import type { TokenCredential } from '@azure/core-auth';
import { Authenticator } from '../authenticator.js';
import type { RefreshingCredentialsProvider } from '../credentials/credentials.js';
import {
  clusterOptionsForAzure,
  nodeOptionsOf,
  type AzureClusterArguments,
  type ConfigureClusterForAzureOptions,
} from './cluster.js';
import type { AuthorityContext } from '../identities/authority.js';
import { defaultCredential } from '../identities/default-credential.js';
import { endpointOptions } from './endpoint.js';
import { classifyIdentityError } from '../identities/identity-errors.js';
import { managedIdentityCredential } from '../identities/managed-identity.js';
import { servicePrincipalCredential } from '../identities/service-principal.js';
import {
  authenticatorSettings,
  checkIdentity,
  OWN_OPTIONS,
  type AuthenticatorSettings,
  type ConfiguredRedisOptions,
  type ConfigureForAzureOptions,
} from './options.js';
import { AccessKeyProvider } from '../credentials/access-key.js';
import { TokenCycle } from '../credentials/token-cycle.js';
import { requestToken } from '../credentials/token-request.js';
import { VERSION } from '../version.js';

/**
 * Builds the options of an ioredis client that logs in to Azure Redis with Microsoft Entra ID, and stays logged in for
 * as long as the process runs. The options are good for any number of clients, at any time, whoever makes them.
 *
 * @example
 * ```ts
 * const redis = new Redis(await configureForAzure({ host: 'my-cache.westeurope.redis.azure.net' }));
 * ```
 *
 * @param options The host, who logs in, and any of ioredis' options.
 * @returns ioredis' options, and the `authenticator` that keeps their clients logged in.
 * @throws AzureRedisError at once if an option is missing, wrong or contradicts another, or if the identity service
 *   definitely refuses; `TOKEN_UNAVAILABLE` if the first token cannot be had after `retry.retries` more attempts.
 */
export async function configureForAzure(options: ConfigureForAzureOptions): Promise<ConfiguredRedisOptions> {
  const endpoint = endpointOptions(options);
  checkIdentity(options);
  const authenticator = options.authenticator ?? (await createAuthenticator(options));
  const { password, Connector } = authenticator.login;

  return {
    ...redisOptionsOf(options),
    ...endpoint,
    username: authenticator.username,
    // ioredis turns the password into text whenever it logs in, but its types know only texts.
    password: password as unknown as string,
    ...(!options.Connector && !options.sentinels && { Connector }),
    clientInfoTag: clientInfoTag(options.clientInfoTag),
    authenticator,
  };
}

/**
 * Builds what an ioredis `Cluster` is made with: the same as `configureForAzure()` for each of its nodes, and the
 * options of a cluster that Azure needs otherwise than ioredis' defaults:
 *
 * - `dnsLookup` leaves the cache's name as it is, so that it is looked up for each connection, not once.
 * - `redisOptions.tls.servername` is the cache's name: nodes are announced by bare addresses, for which the certificate
 *   does not hold.
 * - `slotsRefreshTimeout: 5000` ms instead of 1000, since each refresh makes a connection, with TLS and a login.
 * - `clusterRetryStrategy` waits from 0.1 s to 2 s, at random, instead of ten times a second.
 * - `maxRedirections: 64`, `retryDelayOnFailover: 500` and `retryDelayOnClusterDown: 500` ms keep a command trying for
 *   16 s, as long as a failover may take, instead of one.
 * - `retryDelayOnMoved: 100` ms instead of none lets the slots be asked for again while they move, in place of commands
 *   being sent to and fro until they fail with "Too many Cluster redirections".
 *
 * @example
 * ```ts
 * const cluster = new Cluster(...(await configureClusterForAzure({ host, cluster: { scaleReads: 'slave' } })));
 * ```
 *
 * @param options What `configureForAzure()` takes, and in `cluster` any of ioredis' options of a cluster, which win.
 * @returns The startup nodes, and the options; `redisOptions.authenticator` keeps all connections logged in.
 * @throws AzureRedisError as `configureForAzure()` does; `CONFLICTING_OPTIONS` for a `path`, `sentinels` or a `db`.
 */
export async function configureClusterForAzure(
  options: ConfigureClusterForAzureOptions,
): Promise<AzureClusterArguments> {
  const redisOptions = await configureForAzure(nodeOptionsOf(options));
  const { host = '', port = 0 } = redisOptions;
  return [[{ host, port }], { ...clusterOptionsForAzure(options.cluster ?? {}), redisOptions }];
}

async function createAuthenticator(options: ConfigureForAzureOptions): Promise<Authenticator> {
  const settings = authenticatorSettings(options);
  return new Authenticator(await startLoginCycle(options, settings), settings.heartbeatInterval);
}

async function startLoginCycle(
  options: ConfigureForAzureOptions,
  { authorityHost, scope, username, cycler }: AuthenticatorSettings,
): Promise<RefreshingCredentialsProvider> {
  if (options.accessKey !== undefined) {
    return AccessKeyProvider.start(
      options.accessKey,
      typeof username === 'string' ? username : 'default',
      cycler,
    );
  }
  const source = {
    credential: credentialOf(options, { authorityHost }),
    scope,
    username,
    classifyError: classifyIdentityError,
  };
  return TokenCycle.start((timeout) => requestToken(source, timeout), cycler);
}

function credentialOf(
  { credential, managedIdentity, servicePrincipal }: ConfigureForAzureOptions,
  context: AuthorityContext,
): TokenCredential {
  if (credential) return credential;
  if (managedIdentity) return managedIdentityCredential(managedIdentity);
  if (servicePrincipal) return servicePrincipalCredential(servicePrincipal, context);
  return defaultCredential(context);
}

/** The options that are ioredis' own; `tls` is completed elsewhere. */
function redisOptionsOf(options: ConfigureForAzureOptions): Omit<ConfiguredRedisOptions, 'authenticator'> {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => name !== 'tls' && !OWN_OPTIONS.has(name)),
  );
}

/** Shows operators, in `CLIENT LIST`, that the connection is managed by this package, beside the user's own tag. */
function clientInfoTag(given: string | undefined): string {
  const own = `ioredis-azure_v${VERSION}`;
  if (!given) return own;
  return given.split(';').includes(own) ? given : `${given};${own}`;
}
