import type { HeartbeatSettings } from '../authenticator.js';
import type { TokenCycleSettings } from '../credentials/token-cycle.js';
import type { UsernameOption } from '../credentials/username.js';
import { AUTHORITY_HOSTS, authorityHostOf, DEFAULT_SCOPE } from '../identities/authority.js';
import { assertOption, checkFields, isDuration, isNumber, isObject, isText } from '../validation.js';
import { azureEndpoint } from './azure-endpoints.js';
import type { AuthenticatorOptions, RetryOptions } from './options.js';

/** The validated options of an authenticator, with their defaults. */
export interface AuthenticatorSettings {
  readonly authorityHost: string;
  readonly scope: string;
  readonly username: UsernameOption | undefined;
  readonly heartbeat: HeartbeatSettings;
  readonly cycle: TokenCycleSettings;
}

/** An option: what it must be, and what applies if it is not given. */
interface Option {
  readonly isValid: (value: unknown) => boolean;
  /** The valid values, to follow "must be". */
  readonly expected: string;
  readonly default?: unknown;
  readonly hint?: string;
}

type OptionTable<Options> = { readonly [Name in keyof Options]-?: Option };

/** The options with their defaults. */
type Resolved<Options, Table> = {
  readonly [Name in keyof Table & keyof Options]: Table[Name] extends { default: unknown }
    ? NonNullable<Options[Name]>
    : Options[Name];
};

/** The longest backoff, in ms: a process must not wait long after the end of an outage. */
const LONGEST_BACKOFF = 60_000;

/**
 * In ms. TCP sends a lost segment again after 0.2, 0.6, 1.4, 3 and 6.2 s (Linux): after an interruption of up to three
 * seconds, data arrives within the timeout.
 */
const DEFAULT_HEARTBEAT_TIMEOUT = 5_000;

/** In ms: a busy machine, or a garbage collection, takes parts of a second. */
const SHORTEST_HEARTBEAT_TIMEOUT = 100;

const RETRY_OPTIONS = {
  retries: {
    isValid: (value) => isNumber(value) && value >= 0,
    expected: 'a number of attempts from 0, or Infinity',
    default: 4,
  },
  minTimeout: {
    isValid: (value) => isNumber(value) && value >= 0 && value <= LONGEST_BACKOFF,
    expected: `a number of milliseconds from 0 to ${LONGEST_BACKOFF}`,
    default: 500,
  },
  maxTimeout: {
    isValid: (value) => isNumber(value) && value >= 0,
    expected: 'a number of milliseconds from `retry.minTimeout`',
    default: LONGEST_BACKOFF,
  },
  factor: {
    isValid: (value) => isNumber(value) && value >= 1 && Number.isFinite(value),
    expected: 'a number from 1',
    default: 2,
  },
  randomize: { isValid: (value) => typeof value === 'boolean', expected: 'true or false', default: true },
} as const satisfies OptionTable<RetryOptions>;

export const RETRY_OPTION_NAMES: readonly string[] = Object.keys(RETRY_OPTIONS);

const AUTHENTICATOR_OPTIONS = {
  cloud: {
    isValid: (value) => typeof value === 'string' && Object.hasOwn(AUTHORITY_HOSTS, value),
    expected: "'public', 'usGovernment' or 'china'",
  },
  authorityHost: { isValid: isText, expected: 'an https URL without a path' },
  scope: { isValid: isText, expected: 'a non-empty string', default: DEFAULT_SCOPE },
  username: {
    isValid: (value) => typeof value === 'function' || isText(value),
    expected: "a non-empty string, or a function of the token's claims",
  },
  expirationRefreshRatio: {
    isValid: (value) => isNumber(value) && value > 0 && value < 1,
    expected: 'a number above 0 and below 1',
    default: 0.75,
  },
  acquireTimeout: {
    isValid: (value) => isDuration(value) && value > 0,
    expected: 'a number of milliseconds above 0',
    default: 10_000,
  },
  retry: {
    isValid: isObject,
    expected: 'an object',
    default: {},
    hint: `Its fields are ${RETRY_OPTION_NAMES.join(', ')}.`,
  },
  heartbeatInterval: {
    isValid: isDuration,
    expected: 'a number of milliseconds from 0',
    default: 60_000,
    hint: 'Set the time between two PINGs on an idle connection, or 0 for none.',
  },
  heartbeatTimeout: {
    isValid: (value) => value === 0 || (isDuration(value) && value >= SHORTEST_HEARTBEAT_TIMEOUT),
    expected: `0, or a number of milliseconds from ${SHORTEST_HEARTBEAT_TIMEOUT}`,
    hint: 'Set how long a connection may owe a reply before it is replaced, or 0 for no limit.',
  },
} as const satisfies OptionTable<AuthenticatorOptions>;

export const AUTHENTICATOR_OPTION_NAMES = Object.keys(
  AUTHENTICATOR_OPTIONS,
) as (keyof AuthenticatorOptions)[];

/**
 * Validates the options of an authenticator and adds their defaults.
 *
 * @param options These, and the host, whose suffix implies the cloud.
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function authenticatorSettings(
  options: AuthenticatorOptions & { readonly host?: string },
): AuthenticatorSettings {
  const { cloud, authorityHost, scope, username, retry, ...rest } = resolve(AUTHENTICATOR_OPTIONS, options);
  const { expirationRefreshRatio, acquireTimeout, heartbeatInterval } = rest;
  const { heartbeatTimeout = defaultHeartbeatTimeout(heartbeatInterval) } = rest;
  // The option takes precedence over the environment, which takes precedence over the host suffix.
  const given = authorityHost ?? (cloud && AUTHORITY_HOSTS[cloud]);
  const implied = AUTHORITY_HOSTS[azureEndpoint(options.host ?? '')?.cloud ?? 'public'];
  return {
    authorityHost: authorityHostOf({ authorityHost: given }, implied),
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

function retrySettings(retry: RetryOptions): TokenCycleSettings['retry'] {
  checkFields('retry', retry, RETRY_OPTION_NAMES);
  const settings = resolve(RETRY_OPTIONS, retry, 'retry.');
  const { minTimeout, maxTimeout } = settings;
  const expected = `${RETRY_OPTIONS.maxTimeout.expected} (${minTimeout})`;
  assertOption(maxTimeout >= minTimeout, 'retry.maxTimeout', maxTimeout, expected);
  return { ...settings, maxTimeout: Math.min(maxTimeout, LONGEST_BACKOFF) };
}

function resolve<Table extends Readonly<Record<string, Option>>, Options extends object>(
  table: Table,
  options: Options,
  prefix = '',
): Resolved<Options, Table> {
  const values = Object.entries(table).map(([name, { isValid, expected, default: fallback, hint }]) => {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined) return [name, fallback];
    assertOption(isValid(value), `${prefix}${name}`, value, expected, hint ? { hint } : {});
    return [name, value];
  });
  return Object.fromEntries(values) as Resolved<Options, Table>;
}
