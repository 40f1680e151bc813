import { invalidOption } from '../validation.js';
import { IDENTITY_OPTION_NAMES } from './identity.js';
import { AUTHENTICATOR_OPTION_NAMES, RETRY_OPTION_NAMES } from './settings.js';

/** The options that this package adds to those of ioredis. */
export const ADDED_OPTIONS: ReadonlySet<string> = new Set([
  ...IDENTITY_OPTION_NAMES,
  ...AUTHENTICATOR_OPTION_NAMES,
]);

/** The options of an ioredis `Cluster` that a `Redis` does not have, in 5.4 to 6.0. */
const CLUSTER_OPTIONS = [
  'clusterNodeRetryStrategy',
  'clusterRetryStrategy',
  'dnsLookup',
  'maxRedirections',
  'redisOptions',
  'resolveSrv',
  'retryDelayOnClusterDown',
  'retryDelayOnFailover',
  'retryDelayOnMoved',
  'retryDelayOnTryAgain',
  'scaleReads',
  'shardedSubscribers',
  'slotsRefreshInterval',
  'slotsRefreshTimeout',
  'useSRVRecords',
];

/** Where options belong that ioredis would ignore beside `host`. */
const PLACES = new Map<string, string>(
  Object.entries({
    'in `servicePrincipal`': ['tenantId', 'clientSecret', 'certificate', 'sendX5c'],
    'in `managedIdentity`': ['resourceId', 'objectId'],
    'in `servicePrincipal` or `managedIdentity`': ['clientId'],
    'in `retry`': RETRY_OPTION_NAMES,
    'in `cluster`, an option of configureClusterForAzure() and Multiplexer.connect()': CLUSTER_OPTIONS,
    'in the options of configureClusterForAzure() or Multiplexer.connect()': ['cluster'],
    'in the options of Multiplexer.connect()': ['maintenanceEvents'],
  }).flatMap(([place, names]) => names.map((name) => [normalized(name), `Set \`${name}\` ${place}.`])),
);

const SPELLINGS = [...ADDED_OPTIONS, 'maintenanceEvents', 'host', 'port', 'tls'];

/**
 * Rejects names that are meant for an option of this package, which would otherwise have no effect: another identity would
 * log in. All other names pass, since ioredis or a library may know them.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (SPELLINGS.includes(name) && name !== 'maintenanceEvents') continue;
    const place = value === undefined ? undefined : PLACES.get(normalized(name));
    const meant = SPELLINGS.find((spelling) => isMeantFor(name, spelling));
    const hint =
      place ?? (meant && `Did you mean \`${meant}\`? ${PLACES.get(normalized(meant)) ?? ''}`.trim());
    if (hint) throw invalidOption(`\`${name}\` is not an option here, and would be ignored.`, hint);
  }
}

/** Whether a name differs by case or separators only, or else by a letter, or by two letters of a long name. */
function isMeantFor(name: string, spelling: string): boolean {
  const [given, meant] = [normalized(name), normalized(spelling)];
  const tolerance = meant.length < 5 ? 0 : meant.length < 8 ? 1 : 2;
  return Math.abs(given.length - meant.length) <= tolerance && distance(given, meant) <= tolerance;
}

function normalized(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}

/** How many letters must be inserted, removed or replaced to make one text of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const replaced = (row[column] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
