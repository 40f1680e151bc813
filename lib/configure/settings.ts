import type { HeartbeatSettings } from '../authenticator.js';
import type { TokenCycleSettings } from '../credentials/token-cycle.js';
import type { UsernameOption } from '../credentials/token.js';
import { AUTHORITY_HOSTS, authorityHostOf, DEFAULT_SCOPE } from '../identities/authority.js';
import { assertOption, checkFields, isDuration, isText } from '../validation.js';
import { azureEndpoint } from './azure-endpoints.js';
import type { AuthenticatorOptions, ConfigureForAzureOptions, RetryOptions } from './options.js';

export const AUTHENTICATOR_OPTIONS = [
  'cloud',
  'authorityHost',
  'scope',
  'username',
  'expirationRefreshRatio',
  'acquireTimeout',
  'retry',
  'heartbeatInterval',
  'heartbeatTimeout',
] as const satisfies readonly (keyof AuthenticatorOptions)[];

/** The validated options of an authenticator, with their defaults. */
export interface AuthenticatorSettings {
  readonly authorityHost: string;
  readonly scope: string;
  readonly username: UsernameOption | undefined;
  readonly heartbeat: HeartbeatSettings;
  readonly cycle: TokenCycleSettings;
}

const RETRY_OPTIONS = [
  'retries',
  'minTimeout',
  'maxTimeout',
  'factor',
  'randomize',
] as const satisfies readonly (keyof RetryOptions)[];

/** The longest backoff, in ms: a process must not wait long after the end of an outage. */
const LONGEST_BACKOFF = 60_000;

/**
 * In ms. TCP sends a lost segment again after 0.2, 0.6, 1.4, 3 and 6.2 s (Linux): after an interruption of up to three
 * seconds, data arrives within the timeout.
 */
const DEFAULT_HEARTBEAT_TIMEOUT = 5_000;

/** In ms: a busy machine, or a garbage collection, takes parts of a second. */
const SHORTEST_HEARTBEAT_TIMEOUT = 100;

/**
 * Validates the options of an authenticator and adds their defaults.
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
    heartbeatTimeout = defaultHeartbeatTimeout(heartbeatInterval),
  } = options;

  assertOption(
    cloud === undefined || Object.hasOwn(AUTHORITY_HOSTS, cloud),
    'cloud',
    cloud,
    "'public', 'usGovernment' or 'china'",
  );
  assertOption(isText(scope), 'scope', scope, 'a non-empty string');
  assertOption(
    username === undefined || typeof username === 'function' || isText(username),
    'username',
    username,
    "a non-empty string, or a function of the token's claims",
  );
  assertOption(
    isNumber(expirationRefreshRatio) && expirationRefreshRatio > 0 && expirationRefreshRatio < 1,
    'expirationRefreshRatio',
    expirationRefreshRatio,
    'a number above 0 and below 1',
  );
  assertOption(
    isDuration(acquireTimeout) && acquireTimeout > 0,
    'acquireTimeout',
    acquireTimeout,
    'a number of milliseconds above 0',
  );
  assertOption(
    isDuration(heartbeatInterval),
    'heartbeatInterval',
    heartbeatInterval,
    'a number of milliseconds from 0',
    { hint: 'Set the time between two PINGs on an idle connection, or 0 for none.' },
  );
  assertOption(
    isDuration(heartbeatTimeout) &&
      (heartbeatTimeout === 0 || heartbeatTimeout >= SHORTEST_HEARTBEAT_TIMEOUT),
    'heartbeatTimeout',
    heartbeatTimeout,
    `0, or a number of milliseconds from ${SHORTEST_HEARTBEAT_TIMEOUT}`,
    { hint: 'Set how long a connection may owe a reply before it is replaced, or 0 for no limit.' },
  );

  return {
    authorityHost: authorityHostFor(options),
    scope,
    username,
    heartbeat: { heartbeatInterval, heartbeatTimeout },
    cycle: { expirationRefreshRatio, acquireTimeout, retry: retrySettings(retry) },
  };
}

/** A shorter interval between PINGs expresses the wish for an earlier detection. */
function defaultHeartbeatTimeout(heartbeatInterval: number): number {
  if (heartbeatInterval === 0) return DEFAULT_HEARTBEAT_TIMEOUT;
  return Math.min(DEFAULT_HEARTBEAT_TIMEOUT, Math.max(2_000, 2 * heartbeatInterval));
}

/** The option takes precedence over the environment, which takes precedence over the host suffix. */
function authorityHostFor({ authorityHost, cloud, host = '' }: ConfigureForAzureOptions): string {
  const given = authorityHost ?? (cloud && AUTHORITY_HOSTS[cloud]);
  return authorityHostOf({ authorityHost: given }, AUTHORITY_HOSTS[azureEndpoint(host)?.cloud ?? 'public']);
}

function retrySettings(retry: RetryOptions): TokenCycleSettings['retry'] {
  checkFields('retry', retry, RETRY_OPTIONS);
  const { retries = 4, minTimeout = 500, maxTimeout = LONGEST_BACKOFF, factor = 2, randomize = true } = retry;
  assertOption(
    isNumber(retries) && retries >= 0,
    'retry.retries',
    retries,
    'a number of attempts from 0, or Infinity',
  );
  assertOption(
    isNumber(minTimeout) && minTimeout >= 0 && minTimeout <= LONGEST_BACKOFF,
    'retry.minTimeout',
    minTimeout,
    `a number of milliseconds from 0 to ${LONGEST_BACKOFF}`,
  );
  assertOption(
    isNumber(maxTimeout) && maxTimeout >= minTimeout,
    'retry.maxTimeout',
    maxTimeout,
    `a number of milliseconds from \`retry.minTimeout\` (${minTimeout})`,
  );
  assertOption(
    isNumber(factor) && factor >= 1 && Number.isFinite(factor),
    'retry.factor',
    factor,
    'a number from 1',
  );
  assertOption(typeof randomize === 'boolean', 'retry.randomize', randomize, 'true or false');
  return { retries, minTimeout, maxTimeout: Math.min(maxTimeout, LONGEST_BACKOFF), factor, randomize };
}

/** JavaScript callers may pass the string of an environment variable. */
function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
