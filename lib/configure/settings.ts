import type { HeartbeatSettings } from '../authenticator.js';
import type { TokenCycleSettings } from '../credentials/token-cycle.js';
import { isUsername, type UsernameOption } from '../credentials/token.js';
import { AUTHORITY_HOSTS, authorityHostOf, DEFAULT_SCOPE } from '../identities/authority.js';
import { assertOption, checkFields, isDuration, isLine, isObject, isText, LINE } from '../validation.js';
import { azureEndpoint } from './azure-caches.js';
import type { AuthenticatorOptions, RetryOptions } from './options.js';

/** The validated options of an authenticator, with their defaults. */
export interface AuthenticatorSettings {
  readonly authorityHost: string;
  readonly scope: string;
  readonly username: UsernameOption | undefined;
  readonly heartbeat: HeartbeatSettings;
  readonly cycle: TokenCycleSettings;
}

/** An option: its valid values, to follow "must be", their check, and what applies if it is not given. */
type Option = readonly [
  expected: string,
  isValid: (value: unknown) => boolean,
  fallback?: unknown,
  hint?: string,
];

type OptionTable<Options> = { readonly [Name in keyof Options]-?: Option };

/** The options with their defaults. */
type Resolved<Options, Table> = {
  readonly [Name in keyof Table & keyof Options]: Table[Name] extends readonly [
    string,
    unknown,
    infer Fallback,
    ...unknown[],
  ]
    ? Exclude<Options[Name], undefined> | Extract<Fallback, undefined>
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
  retries: ['a number of attempts from 0, or Infinity', within(0, Infinity), 4],
  minTimeout: [`a number of milliseconds from 0 to ${LONGEST_BACKOFF}`, within(0, LONGEST_BACKOFF), 500],
  maxTimeout: ['a number of milliseconds from `retry.minTimeout`', within(0, Infinity), LONGEST_BACKOFF],
  factor: ['a number from 1', within(1, Number.MAX_VALUE), 2],
  randomize: ['true or false', (value) => typeof value === 'boolean', true],
} as const satisfies OptionTable<RetryOptions>;

export const RETRY_OPTION_NAMES: readonly string[] = Object.keys(RETRY_OPTIONS);

const AUTHENTICATOR_OPTIONS = {
  cloud: [
    "'public', 'usGovernment' or 'china'",
    (value) => Object.keys(AUTHORITY_HOSTS).includes(value as string),
  ],
  authorityHost: ['an https URL without a path', isText],
  scope: [LINE, isLine, DEFAULT_SCOPE],
  username: [
    "a non-empty string without spaces and line breaks, or a function of the token's claims",
    (value) => typeof value === 'function' || isUsername(value),
  ],
  expirationRefreshRatio: [
    'a number above 0 and below 1',
    (value) => within(0, 1)(value) && value !== 0 && value !== 1,
    0.75,
  ],
  acquireTimeout: ['a number of milliseconds above 0', (value) => isDuration(value) && value > 0, 10_000],
  retry: ['an object', isObject, {}, `Its fields are ${RETRY_OPTION_NAMES.join(', ')}.`],
  heartbeatInterval: [
    'a number of milliseconds from 0',
    isDuration,
    60_000,
    'Set the time between two PINGs on an idle connection, or 0 for none.',
  ],
  heartbeatTimeout: [
    `0, or a number of milliseconds from ${SHORTEST_HEARTBEAT_TIMEOUT}`,
    (value) => value === 0 || (isDuration(value) && value >= SHORTEST_HEARTBEAT_TIMEOUT),
    undefined,
    'Set how long a connection may owe a reply before it is replaced, or 0 for no limit.',
  ],
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
    authorityHost: authorityHostOf(given, implied),
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
  const expected = `${RETRY_OPTIONS.maxTimeout[0]} (${minTimeout})`;
  assertOption(maxTimeout >= minTimeout, 'retry.maxTimeout', maxTimeout, expected);
  return { ...settings, maxTimeout: Math.min(maxTimeout, LONGEST_BACKOFF) };
}

function resolve<Table extends Readonly<Record<string, Option>>, Options extends object>(
  table: Table,
  options: Options,
  prefix = '',
): Resolved<Options, Table> {
  const values = Object.entries(table).map(([name, [expected, isValid, fallback, hint]]) => {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined) return [name, fallback];
    assertOption(isValid(value), `${prefix}${name}`, value, expected, hint === undefined ? {} : { hint });
    return [name, value];
  });
  return Object.fromEntries(values) as Resolved<Options, Table>;
}

function within(min: number, max: number): (value: unknown) => boolean {
  // JavaScript callers may pass the string of an environment variable.
  return (value) => typeof value === 'number' && value >= min && value <= max;
}
