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

const KNOWN = new Set([...ADDED_OPTIONS, 'host', 'port', 'tls']);
const SPELLINGS = [...KNOWN, 'maintenanceEvents'];

/**
 * Rejects names that are meant for an option of this package, which would otherwise have no effect: another identity would
 * log in. All other names pass, since ioredis or a library may know them.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const place = PLACES.get(normalized(name));
    if (KNOWN.has(name) || (place !== undefined && value === undefined)) continue;
    const meant = SPELLINGS.find((spelling) => isMeantFor(name, spelling));
    const hint =
      place ?? (meant && `Did you mean \`${meant}\`? ${PLACES.get(normalized(meant)) ?? ''}`.trim());
    if (hint) throw invalidOption(`\`${name}\` is not an option here, and would be ignored.`, hint);
  }
}

/** Whether a name differs by case or separators only, or else by a letter, or by two letters of a long name. */
function isMeantFor(name: string, spelling: string): boolean {
  const edits = spelling.length < 5 ? 0 : spelling.length < 8 ? 1 : 2;
  return areWithin(edits, normalized(name), normalized(spelling));
}

function normalized(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}

/** Whether so many letters, inserted, removed or replaced, make one text of the other. */
function areWithin(edits: number, one: string, other: string): boolean {
  if (one === other || edits === 0) return one === other;
  let same = 0;
  while (one[same] === other[same]) same += 1;
  const [left, right] = [one.slice(same), other.slice(same)];
  return (
    areWithin(edits - 1, left.slice(1), right) ||
    areWithin(edits - 1, left, right.slice(1)) ||
    areWithin(edits - 1, left.slice(1), right.slice(1))
  );
}
