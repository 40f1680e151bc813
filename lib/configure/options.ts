import type { ConnectionOptions } from 'node:tls';
import type { TokenCredential } from '@azure/core-auth';
import type { RedisOptions } from 'ioredis';
import type { Options as RetryOptions } from 'p-retry';
import { Authenticator } from '../authenticator.js';
import { azureEndpoint, type Cloud } from './azure-endpoints.js';
import { AzureRedisError } from '../errors.js';
import { assertOption } from '../validation.js';
import { authorityHostOf } from '../identities/authority.js';
import { checkManagedIdentity, type ManagedIdentityOption } from '../identities/managed-identity.js';
import { checkServicePrincipal, type ServicePrincipalOption } from '../identities/service-principal.js';
import type { AccessKeyOption } from '../credentials/access-key.js';
import type { TokenCycleSettings } from '../credentials/token-cycle.js';
import type { UsernameOption } from '../credentials/username.js';

/** Who logs in. At most one of these; none of them means `DefaultAzureCredential`. */
export interface IdentityOptions {
  /**
   * Any credential of `@azure/identity`, or your own.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, credential: new AzureCliCredential() });
   * ```
   */
  credential?: TokenCredential | undefined;
  /**
   * The managed identity of what the program runs on in Azure: `true` for the system-assigned one, an id for a
   * user-assigned one.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, managedIdentity: true });
   * await configureForAzure({ host, managedIdentity: { clientId: '…' } });
   * ```
   */
  managedIdentity?: ManagedIdentityOption | undefined;
  /**
   * A service principal with a secret or a certificate. Either may be a function, which is asked again for each token,
   * so that a rotated one is used.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, servicePrincipal: { tenantId, clientId, clientSecret } });
   * await configureForAzure({ host, servicePrincipal: { tenantId, clientId, certificate: { path: 'app.pem' } } });
   * ```
   */
  servicePrincipal?: ServicePrincipalOption | undefined;
  /**
   * No Entra: an access key of the cache, or a function that is asked for it each time that a connection is made, so
   * that a rotated one is used without a restart. The user name is then `default`.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, accessKey: async () => (await vault.getSecret('redis-key')).value });
   * ```
   */
  accessKey?: AccessKeyOption | undefined;
  /**
   * The authenticator of other options: shares one identity, and one token, between several caches.
   *
   * @example
   * ```ts
   * const sessions = await configureForAzure({ host: 'sessions.westeurope.redis.azure.net' });
   * const jobs = await configureForAzure({
   *   host: 'jobs.westeurope.redis.azure.net',
   *   authenticator: sessions.authenticator,
   * });
   * ```
   */
  authenticator?: Authenticator | undefined;
}

/** How tokens are asked for, and what is done with them. All of it belongs to the authenticator that is made of it. */
export interface TokenOptions {
  /**
   * The Azure cloud whose identity service is asked. Default: that of `AZURE_AUTHORITY_HOST`, as the Azure SDK reads it,
   * else told by the host's suffix, else `public`.
   */
  cloud?: Cloud | undefined;
  /** The address of the identity service. Default: that of `cloud`. */
  authorityHost?: string | undefined;
  /** What the token is for. Default: `https://redis.azure.com/.default`, the same in every cloud. */
  scope?: string | undefined;
  /**
   * The Redis user name: a text, or a function of the token's claims. Default: the claim `oid`, by which Azure knows
   * the identity.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, username: (claims) => String(claims.appid) });
   * ```
   */
  username?: UsernameOption | undefined;
  /**
   * The share of a token's lifetime that is spent when the next one is asked for, above 0 and below 1. Default: 0.75.
   * A token that says itself when to refresh it is refreshed then. Either happens up to 5 % of the lifetime earlier,
   * at random, so that a fleet does not refresh as one.
   */
  expirationRefreshRatio?: number | undefined;
  /** How long the first attempt to get a token may take, in ms; each one after a failure may take 5 s longer. Default: 10000. */
  acquireTimeout?: number | undefined;
  /**
   * How failed attempts are retried: the options of `p-retry`. Default: 4 retries at start-up (`retries`), after waits
   * of about 0.5, 1, 2 and 4 s (`minTimeout`, `factor`, `randomize`). Once running, attempts go on for as long as a
   * client lives, with the same waits, at most `maxTimeout` (60000 ms) apart.
   */
  retry?: RetryOptions | undefined;
  /**
   * How often idle connections are sent a PING, in ms; 0 never. Default: 60000. Azure closes connections that were
   * idle for ten minutes.
   */
  heartbeatInterval?: number | undefined;
}

/** What `configureForAzure()` takes: an identity, and any of ioredis' options. */
export interface AzureOptions extends IdentityOptions, TokenOptions {
  /** ioredis' TLS options. On by default; `false` only for a host on this machine. */
  tls?: ConnectionOptions | false | undefined;
}

/**
 * ioredis' options, typed such that they fit wherever they go: `replyMapping` is unknown to ioredis 5, and BullMQ takes
 * no `retryStrategy` of `null` (`() => null` says the same).
 */
type ClientOptions = Omit<RedisOptions, 'replyMapping' | 'retryStrategy'> & {
  replyMapping?: 'legacy' | 'resp3';
  // void is in ioredis' own type of it.
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type
  retryStrategy?: (times: number) => number | void | null;
};

export type ConfigureForAzureOptions = AzureOptions & Omit<ClientOptions, keyof AzureOptions | 'password'>;

/** What `configureForAzure()` gives: ioredis' options, and the authenticator behind them. */
export type ConfiguredRedisOptions = ClientOptions & { readonly authenticator: Authenticator };

/** The scope of Azure Redis' access tokens. Source: Microsoft.Azure.StackExchangeRedis. */
const DEFAULT_SCOPE = 'https://redis.azure.com/.default';

/** Where each cloud's identity service is. Source: AzureAuthorityHosts of @azure/identity. */
const AUTHORITY_HOSTS: Readonly<Record<Cloud, string>> = {
  public: 'https://login.microsoftonline.com',
  usGovernment: 'https://login.microsoftonline.us',
  china: 'https://login.chinacloudapi.cn',
};

/** The longest time that Node's timers can count, in ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

const IDENTITIES = [
  'credential',
  'managedIdentity',
  'servicePrincipal',
  'accessKey',
  'authenticator',
] as const satisfies readonly (keyof IdentityOptions)[];

/** What an authenticator was made with cannot be changed by those who share it. */
const AUTHENTICATORS_OWN = [
  'cloud',
  'authorityHost',
  'scope',
  'username',
  'expirationRefreshRatio',
  'acquireTimeout',
  'retry',
  'heartbeatInterval',
] as const satisfies readonly (keyof TokenOptions)[];

/** The options that are not ioredis'. */
export const OWN_OPTIONS: ReadonlySet<string> = new Set([...IDENTITIES, ...AUTHENTICATORS_OWN]);

/**
 * Checks who logs in.
 *
 * @throws AzureRedisError `CONFLICTING_OPTIONS`, `CONFLICTING_OPTIONS` or `INVALID_OPTION`.
 */
export function checkIdentity(options: ConfigureForAzureOptions): void {
  const given = IDENTITIES.filter((name) => options[name] !== undefined);
  if (given.length > 1) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      `Several identities were given: ${given.join(', ')}.`,
      'Give exactly one of them, or none for DefaultAzureCredential.',
    );
  }
  const { credential, managedIdentity, servicePrincipal, accessKey, authenticator } = options;
  assertOption(
    credential === undefined || typeof (credential as Partial<TokenCredential>).getToken === 'function',
    'credential',
    'a TokenCredential, which has a method getToken()',
  );
  assertOption(
    authenticator === undefined || authenticator instanceof Authenticator,
    'authenticator',
    'the `authenticator` of options that configureForAzure() returned',
  );
  checkPassword(options);
  if (managedIdentity !== undefined) checkManagedIdentity(managedIdentity);
  if (servicePrincipal !== undefined) checkServicePrincipal(servicePrincipal);
  if (accessKey !== undefined) checkAccessKey(options);
  if (authenticator) checkShared(options, authenticator);
  if (credential ?? managedIdentity ?? accessKey) checkAuthority(options);
}

function checkAccessKey({ accessKey, username, scope }: ConfigureForAzureOptions): void {
  assertOption(
    typeof accessKey === 'function' || isText(accessKey),
    'accessKey',
    'the key, or a function that returns it',
  );
  if (scope === undefined && typeof username !== 'function') return;
  throw new AzureRedisError(
    'CONFLICTING_OPTIONS',
    'An access key was given together with what only an access token has: a `scope`, or claims for the `username`.',
    'Leave them out, or log in with an identity instead of the key.',
  );
}

function checkPassword(options: ConfigureForAzureOptions): void {
  const password: unknown = Reflect.get(options, 'password');
  // Options that were configured before hold their authenticator's own.
  if (password === undefined || password === null || password === options.authenticator?.login.password)
    return;
  throw new AzureRedisError(
    'CONFLICTING_OPTIONS',
    '`password` was given, but the identity logs in.',
    'Leave `password` out; an access key is given as `accessKey`.',
  );
}

function checkShared(options: ConfigureForAzureOptions, { username }: Authenticator): void {
  const conflicting = AUTHENTICATORS_OWN.filter(
    (name) => options[name] !== undefined && !(name === 'username' && options.username === username),
  );
  if (conflicting.length === 0) return;
  throw new AzureRedisError(
    'CONFLICTING_OPTIONS',
    `An authenticator was given together with what it already has: ${conflicting.join(', ')}.`,
    'Set these where the authenticator was made, or leave `authenticator` out to make another one.',
  );
}

function checkAuthority(options: ConfigureForAzureOptions): void {
  if (options.cloud === undefined && options.authorityHost === undefined) return;
  throw new AzureRedisError(
    'CONFLICTING_OPTIONS',
    '`cloud` and `authorityHost` say where to sign in, which this identity does not need or knows by itself.',
    'Leave them out; a credential of your own has an option `authorityHost` itself.',
  );
}

/** What an authenticator is made with. */
export interface AuthenticatorSettings {
  readonly authorityHost: string;
  readonly scope: string;
  readonly username: UsernameOption | undefined;
  readonly heartbeatInterval: number;
  readonly cycler: TokenCycleSettings;
}

/**
 * Checks and completes how tokens are asked for.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function authenticatorSettings(options: ConfigureForAzureOptions): AuthenticatorSettings {
  const {
    cloud,
    scope = DEFAULT_SCOPE,
    username,
    expirationRefreshRatio = 0.75,
    acquireTimeout = 10_000,
    retry = {},
    heartbeatInterval = 60_000,
  } = options;

  assertOption(
    cloud === undefined || Object.hasOwn(AUTHORITY_HOSTS, cloud),
    'cloud',
    "'public', 'usGovernment' or 'china'",
  );
  assertOption(isText(scope), 'scope', 'a text');
  assertOption(
    username === undefined || typeof username === 'function' || isText(username),
    'username',
    "a text, or a function of the token's claims",
  );
  assertOption(
    expirationRefreshRatio > 0 && expirationRefreshRatio < 1,
    'expirationRefreshRatio',
    'a number above 0 and below 1',
  );
  assertOption(
    acquireTimeout > 0 && acquireTimeout <= LONGEST_TIMER,
    'acquireTimeout',
    'a positive number of ms',
  );
  assertOption(
    heartbeatInterval >= 0 && heartbeatInterval <= LONGEST_TIMER,
    'heartbeatInterval',
    'a number of ms, or 0 for none',
  );

  return {
    authorityHost: authorityHostFor(options),
    scope,
    username,
    heartbeatInterval,
    cycler: { expirationRefreshRatio, acquireTimeout, retry: checkedRetry(retry) },
  };
}

/** What the environment says goes before what the host's suffix suggests, and after what the caller says. */
function authorityHostFor({ authorityHost, cloud, host = '' }: ConfigureForAzureOptions): string {
  const given = authorityHost ?? (cloud && AUTHORITY_HOSTS[cloud]);
  return authorityHostOf({ authorityHost: given }, AUTHORITY_HOSTS[azureEndpoint(host)?.cloud ?? 'public']);
}

function checkedRetry(retry: RetryOptions): TokenCycleSettings['retry'] {
  const { retries = 4, minTimeout = 500, maxTimeout = 60_000, factor = 2, randomize = true } = retry;
  assertOption(retries >= 0, 'retry.retries', 'a number from 0, or Infinity');
  assertOption(minTimeout >= 0 && minTimeout <= LONGEST_TIMER, 'retry.minTimeout', 'a number of ms');
  assertOption(
    maxTimeout >= minTimeout,
    'retry.maxTimeout',
    'a number of ms that is not below `retry.minTimeout`',
  );
  assertOption(factor >= 1 && Number.isFinite(factor), 'retry.factor', 'a number from 1');
  return {
    ...retry,
    retries,
    minTimeout,
    // "At most 60 s apart": a process that outlives an outage must not sleep on when it is over.
    maxTimeout: Math.min(maxTimeout, 60_000),
    factor,
    randomize,
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
