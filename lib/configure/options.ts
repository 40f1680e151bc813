import type { ConnectionOptions } from 'node:tls';
import type { TokenCredential } from '@azure/core-auth';
import type { RedisOptions } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import type { AccessKeyOption } from '../credentials/access-key.js';
import type { UsernameOption } from '../credentials/token.js';
import type { Cloud } from '../identities/authority.js';
import type { ManagedIdentityOption } from '../identities/managed-identity.js';
import type { ServicePrincipalOption } from '../identities/service-principal.js';

/** The identities that can log in. */
export interface Identities {
  /**
   * Any credential of `@azure/identity`, or your own.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, credential: new AzureCliCredential() });
   * ```
   */
  credential: TokenCredential;
  /**
   * A managed identity of the Azure resource that the program runs on: `true` for the system-assigned one, an id for a
   * user-assigned one.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, managedIdentity: true });
   * await configureForAzure({ host, managedIdentity: { clientId: '…' } });
   * ```
   */
  managedIdentity: ManagedIdentityOption;
  /**
   * A service principal with a secret or a certificate. Either may be a function, which is called for each token
   * request, so that a rotated one is used.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, servicePrincipal: { tenantId, clientId, clientSecret } });
   * await configureForAzure({ host, servicePrincipal: { tenantId, clientId, certificate: { path: 'app.pem' } } });
   * ```
   */
  servicePrincipal: ServicePrincipalOption;
  /**
   * An access key of the cache, without Entra, or a function that returns it. The function is called for each new
   * connection, so that a rotated key is used without a restart. Default of `username` is then `default`.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, accessKey: async () => (await vault.getSecret('redis-key')).value });
   * ```
   */
  accessKey: AccessKeyOption;
  /**
   * The authenticator of options that were configured before: several caches share one identity and one token.
   *
   * @example
   * ```ts
   * const { authenticator } = await configureForAzure({ host: 'sessions.westeurope.redis.azure.net' });
   * await configureForAzure({ host: 'jobs.westeurope.redis.azure.net', authenticator });
   * ```
   */
  authenticator: Authenticator;
}

/**
 * The identity that logs in: at most one of these. Default: `DefaultAzureCredential` of `@azure/identity`. One that is
 * present but undefined is rejected: another identity would log in.
 */
export type IdentityOptions = AtMostOne<Identities>;

type AtMostOne<Options> =
  | { [None in keyof Options]?: never }
  | {
      [Name in keyof Options]: Pick<Options, Name> & Partial<Record<Exclude<keyof Options, Name>, never>>;
    }[keyof Options];

/**
 * How failed token requests are retried; the names are those of `p-retry`. All times are in milliseconds.
 *
 * @example
 * ```ts
 * await configureForAzure({ host, retry: { retries: 0 } }); // At start-up, fail with the first error.
 * await configureForAzure({ host, retry: { minTimeout: 1_000, factor: 1 } }); // Retry every second.
 * ```
 */
export interface RetryOptions {
  /**
   * The number of attempts after the first one at start-up, or `Infinity`. Once the authenticator runs, it retries for
   * as long as one of its clients is alive. Default: 4.
   */
  retries?: number | undefined;
  /** The wait after the first failure. Default: 500. */
  minTimeout?: number | undefined;
  /**
   * The longest wait, unless the identity service asks for more (`Retry-After`). It never exceeds 60000, so that a
   * process recovers within a minute of the end of an outage. Default: 60000.
   */
  maxTimeout?: number | undefined;
  /** The ratio of each wait to the one before it, from 1. Default: 2. */
  factor?: number | undefined;
  /** Whether each wait is multiplied by a random number from 1 to 2, so that a fleet does not retry as one. Default: true. */
  randomize?: boolean | undefined;
}

/** How the authenticator acquires tokens and uses them. Those who share an authenticator share these options. */
export interface AuthenticatorOptions {
  /**
   * The Azure cloud whose identity service issues the tokens. Default: that of `AZURE_AUTHORITY_HOST`, as in the Azure
   * SDK, otherwise derived from the host suffix, otherwise `public`.
   */
  cloud?: Cloud | undefined;
  /** The URL of the identity service. Default: that of `cloud`. */
  authorityHost?: string | undefined;
  /** The scope of the tokens. Default: `https://redis.azure.com/.default`, the same in every cloud. */
  scope?: string | undefined;
  /**
   * The Redis user name: a string, or a function of the token's claims. Default: the claim `oid`, the object id of the
   * identity, which is its user name in Azure Redis.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, username: (claims) => String(claims.appid) });
   * ```
   */
  username?: UsernameOption | undefined;
  /**
   * The share of a token's lifetime after which the next one is requested, above 0 and below 1. Default: 0.75. A token
   * that advises a time for its refresh is refreshed at that time. Either happens up to 5 % of the lifetime earlier, at
   * random, so that a fleet does not refresh as one.
   */
  expirationRefreshRatio?: number | undefined;
  /**
   * The time that the first attempt to acquire a token may take, in ms; each attempt after a failure may take 5 s more,
   * up to 60 s. Default: 10000.
   */
  acquireTimeout?: number | undefined;
  /**
   * How failed token requests are retried. Default: 4 retries at start-up, after waits of about 0.5, 1, 2 and 4 s. Once
   * the authenticator runs, it retries without end after the same waits, which grow to 60 s.
   */
  retry?: RetryOptions | undefined;
  /**
   * How often an idle connection is sent a PING, in ms, or 0 for never. Default: 60000. Azure closes connections that
   * have been idle for ten minutes.
   */
  heartbeatInterval?: number | undefined;
  /**
   * How long a connection may owe a reply before it is replaced, in ms, or 0 to wait for ever. It applies to a connection
   * that receives nothing while the server answers another one, and awaits PING, a login or a command that Redis calls
   * fast; a command that blocks, such as BLPOP, has its own timeout in addition. Slow commands are waited for. Default:
   * 5000, or twice a shorter `heartbeatInterval`, but at least 2000.
   *
   * After a failover, TCP gives up a connection without replies after about 15 minutes on Linux. Linux retransmits a lost
   * segment four times within 5 s, so that a short interruption replaces nothing.
   *
   * @example
   * ```ts
   * await configureForAzure({ host, heartbeatInterval: 1_000 }); // An idle connection is found dead in 3 to 4 s.
   * ```
   */
  heartbeatTimeout?: number | undefined;
}

/** The options that this package adds to those of ioredis, or types differently, apart from the identity. */
interface AzureOptions extends AuthenticatorOptions {
  /** The host name of the cache (Azure portal, Overview), such as my-cache.westeurope.redis.azure.net. */
  host: string;
  /** The TLS port. Default: that of the host suffix, 10000 for Azure Managed Redis and 6380 for Azure Cache for Redis. */
  port?: number | undefined;
  /** TLS options. Default: TLS 1.2 or newer with verified certificates. `false` is valid for a loopback host only. */
  tls?: ConnectionOptions | false | undefined;
}

/** The options of ioredis, typed so that they are valid in every version: ioredis 5 has no `replyMapping`. */
type ClientOptions = Omit<RedisOptions, 'replyMapping'> & { replyMapping?: 'legacy' | 'resp3' };

/** The options of `configureForAzure()` apart from the identity, which supplies `password`. Azure has no Sentinel. */
export type EndpointOptions = AzureOptions &
  Omit<ClientOptions, keyof AzureOptions | 'password' | 'sentinels'>;

/** The options of `configureForAzure()`: the host, at most one identity, and any options of ioredis. */
export type ConfigureForAzureOptions = EndpointOptions & IdentityOptions;

/** The result of `configureForAzure()`: options of ioredis, and the authenticator that keeps their clients logged in. */
export type ConfiguredRedisOptions = Omit<ClientOptions, 'retryStrategy'> & {
  host: string;
  port: number;
  /** Without the `null` of ioredis, which the types of BullMQ do not accept: at run time either takes it. */
  // The type is that of ioredis, with its void.
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type
  retryStrategy?: (times: number) => number | void | null;
  readonly authenticator: Authenticator;
};
