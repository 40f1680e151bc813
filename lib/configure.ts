import type { TokenCredential } from '@azure/core-auth';
import { Authenticator, type LoginCycle } from './authenticator.js';
import type { AuthorityContext } from './identities/authority.js';
import { defaultCredential } from './identities/default-credential.js';
import { endpointOptions } from './endpoint-options.js';
import { describeIdentityError } from './identities/identity-errors.js';
import { managedIdentityCredential } from './identities/managed-identity.js';
import { servicePrincipalCredential } from './identities/service-principal.js';
import {
  authenticatorSettings,
  checkIdentity,
  OWN_OPTIONS,
  type AuthenticatorSettings,
  type AzureRedisOptions,
  type ConfigureForAzureOptions,
} from './options.js';
import { AccessKey } from './token/access-key.js';
import { TokenCycler } from './token/cycler.js';
import { requestToken } from './token/request.js';
import { VERSION } from './version.js';

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
export async function configureForAzure(options: ConfigureForAzureOptions): Promise<AzureRedisOptions> {
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

async function createAuthenticator(options: ConfigureForAzureOptions): Promise<Authenticator> {
  const settings = authenticatorSettings(options);
  return new Authenticator(await startLoginCycle(options, settings), settings.heartbeatInterval);
}

async function startLoginCycle(
  options: ConfigureForAzureOptions,
  { authorityHost, scope, username, cycler }: AuthenticatorSettings,
): Promise<LoginCycle> {
  if (options.accessKey !== undefined) {
    return AccessKey.start(options.accessKey, typeof username === 'string' ? username : 'default', cycler);
  }
  const source = {
    credential: credentialOf(options, { authorityHost }),
    scope,
    username,
    describeError: describeIdentityError,
  };
  return TokenCycler.start((timeout) => requestToken(source, timeout), cycler);
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
function redisOptionsOf(options: ConfigureForAzureOptions): Omit<AzureRedisOptions, 'authenticator'> {
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
