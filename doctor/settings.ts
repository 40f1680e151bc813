import { readField } from '../lib/redaction.js';
import { withoutTls } from './azure.js';
import type { Section, Verdict } from './finding.js';
import { type AzureResource, list, text, textAt } from './http.js';
import type { Context } from './options.js';

/** What Azure Resource Manager returns for a cache; a list is undefined if the identity may not read it. */
export interface Settings {
  readonly cache: AzureResource;
  /** The database of Azure Managed Redis, which has one. */
  readonly database: AzureResource;
  readonly firewallRules: readonly AzureResource[] | undefined;
  readonly assignments: readonly AzureResource[] | undefined;
  readonly diagnosticSettings: readonly AzureResource[] | undefined;
}

/** Judges what both products have, and what each has of its own. */
export function reportSettings(section: Section, settings: Settings, objectId: string | undefined): void {
  reportNetwork(section, settings);
  if (section.target.product === 'cache') reportOfCache(section, settings);
  else reportOfManaged(section, settings);
  reportAssignment(section, settings, objectId);
  reportDiagnosticSettings(section, settings);
}

function reportNetwork({ az, report }: Section, { cache }: Settings): void {
  const isPublic = text(cache, 'publicNetworkAccess') !== 'Disabled';
  const endpoints = list(cache, 'privateEndpointConnections').map((endpoint) => ({
    name: textAt(endpoint, 'id').split('/').at(-1) ?? '',
    status: textAt(endpoint, 'properties', 'privateLinkServiceConnectionState', 'status') || 'unknown',
  }));
  const approved = endpoints.filter(({ status }) => status === 'Approved');
  const data = { endpoints };
  const minimumTls = text(cache, 'minimumTlsVersion');
  report('public-network-access', [
    { when: !isPublic, ok: 'Public network access is disabled.' },
    {
      warning: 'Public network access is enabled.',
      why: 'A stolen token or key can be used from anywhere.',
      remedy: 'Connect through a private endpoint, then disable public network access.',
      command: az?.disablePublicAccess,
    },
  ]);
  report('private-endpoints', [
    {
      when: approved.length > 0,
      ok: `The cache has ${approved.length} approved private endpoint(s).`,
      data,
    },
    {
      when: endpoints.length > 0,
      warning: `No private endpoint is approved: ${endpoints.map(({ status }) => status).join(', ')}.`,
      why: 'Connections through the private endpoint fail.',
      remedy: 'Approve the connection (Azure portal, Private endpoint connections).',
      command: az?.listPrivateEndpoints,
      data,
    },
    { when: isPublic, info: 'The cache has no private endpoint.', command: az?.listPrivateEndpoints },
    {
      error: 'The cache has no private endpoint, and public network access is disabled.',
      why: 'No client can connect.',
      remedy: 'Create a private endpoint, or enable public network access.',
      command: az?.listPrivateEndpoints,
    },
  ]);
  report('minimum-tls-version', [
    { when: ['1.2', '1.3'].includes(minimumTls), ok: `The minimum TLS version is ${minimumTls}.` },
    {
      warning: `The minimum TLS version is ${minimumTls || 'not set'}.`,
      why: 'TLS 1.0 and 1.1 have known weaknesses.',
      remedy: 'Require TLS 1.2.',
      command: az?.requireModernTls,
    },
  ]);
}

function reportOfCache(section: Section, { cache, firewallRules }: Settings): void {
  const { az } = section;
  const { zones = [], properties = {} } = cache;
  const allowsPlain = properties['enableNonSslPort'] === true;
  const isZoned = zones.length > 1 || text(cache, 'zonalAllocationPolicy') === 'Automatic';
  const ranges = firewallRules?.map((rule) => `${text(rule, 'startIP')}–${text(rule, 'endIP')}`) ?? [];
  const data = { ranges };
  section.report(
    'non-tls-port',
    plainAccess(
      section,
      allowsPlain,
      `The port without TLS (6379) is ${allowsPlain ? 'enabled' : 'disabled'}.`,
    ),
  );
  section.report('entra', [
    {
      // Azure stores it as the text True or true.
      when: textAt(properties, 'redisConfiguration', 'aad-enabled').toLowerCase() === 'true',
      ok: 'Entra authentication is enabled.',
    },
    {
      error: 'Entra authentication is disabled.',
      why: 'Every login with a token is refused with WRONGPASS.',
      remedy: 'Enable it; the nodes restart.',
      command: az?.enableEntra,
    },
  ]);
  section.report('access-keys', accessKeys(section, properties['disableAccessKeyAuthentication'] !== true));
  section.report('firewall-rules', [
    { when: firewallRules === undefined, skipped: 'The identity may not read the firewall rules.' },
    {
      when: ranges.includes('0.0.0.0–255.255.255.255'),
      warning: 'A firewall rule allows every address.',
      why: 'The rule has no effect.',
      remedy: 'Allow only the addresses of your clients.',
      data,
    },
    { when: ranges.length > 0, ok: `Firewall rules allow ${ranges.join(', ')}.`, data },
    {
      when: text(cache, 'publicNetworkAccess') === 'Disabled',
      ok: 'Firewall rules are not needed: public network access is disabled.',
    },
    {
      warning: 'There is no firewall rule: connections from every address are allowed.',
      why: 'A stolen token or key can be used from anywhere.',
      remedy: 'Add the addresses of your clients, or disable public network access.',
    },
  ]);
  section.report('zone-redundancy', [
    { when: isZoned, ok: 'The cache uses several availability zones.', data: { zones } },
    {
      warning: 'The cache is in one availability zone.',
      severity: 'low',
      why: 'An outage of that zone is an outage of the cache.',
      remedy:
        'Use a zone-redundant Standard or Premium cache; the zones of an existing cache change only when it is scaled.',
      command: az?.show,
      data: { zones },
    },
  ]);
  section.report(
    'eviction-policy',
    evictionPolicy(textAt(cache.properties, 'redisConfiguration', 'maxmemory-policy') || 'volatile-lru'),
  );
}

function reportOfManaged(section: Section, { cache, database }: Settings): void {
  const { az } = section;
  const { zones = [] } = cache;
  const allowsPlain = text(database, 'clientProtocol') === 'Plaintext';
  const redundancyMode = text(cache, 'redundancyMode');
  const policy = text(database, 'clusteringPolicy');
  const data = { zones, redundancyMode };
  const remedy = 'Use high availability, in a region with availability zones.';
  const advice = { remedy, command: az?.show, data };
  // With high availability, Azure spreads a cache over the zones of its region by itself.
  section.report('zone-redundancy', [
    {
      when: redundancyMode === '' ? zones.length > 1 : redundancyMode === 'ZR',
      ok: 'The cache is zone redundant.',
      data,
    },
    {
      when: text(cache, 'highAvailability') === 'Disabled' || redundancyMode === 'None',
      warning: 'High availability is disabled: the cache has one copy of the data.',
      why: 'The data is lost with its machine, and maintenance interrupts the service.',
      ...advice,
    },
    {
      warning: 'The cache is in one availability zone.',
      severity: 'low',
      why: 'An outage of that zone is an outage of the cache.',
      ...advice,
    },
  ]);
  section.report(
    'non-tls-port',
    plainAccess(section, allowsPlain, `The client protocol is ${allowsPlain ? 'plain text' : 'encrypted'}.`),
  );
  section.report(
    'access-keys',
    accessKeys(section, text(database, 'accessKeysAuthentication') !== 'Disabled'),
  );
  section.report('clustering-policy', {
    when: policy !== '',
    info: `The clustering policy is ${policy}: use ${policy === 'OSSCluster' ? 'a Cluster' : 'a Redis'} client.`,
    data: { policy },
  });
  section.report(
    'eviction-policy',
    evictionPolicy(asInRedisConf(text(database, 'evictionPolicy') || 'VolatileLRU')),
  );
  section.report('entra', { ok: 'Entra authentication is always enabled in Azure Managed Redis.' });
  section.report('firewall-rules', {
    info: 'Azure Managed Redis has no firewall rules: private endpoints restrict access.',
  });
}

function plainAccess({ az }: Context, isEnabled: boolean, seen: string): readonly Verdict[] {
  return [
    { when: !isEnabled, ok: seen },
    { warning: seen, ...withoutTls(az) },
  ];
}

function accessKeys({ az }: Context, areEnabled: boolean): readonly Verdict[] {
  return [
    { when: !areEnabled, ok: 'Access keys are disabled.' },
    {
      warning: 'Access keys are enabled.',
      why: 'A key is a shared secret with all permissions, which does not expire.',
      remedy: 'Disable access keys once every client uses Entra.',
      command: az?.disableKeys,
    },
  ];
}

/** @param policy In the form of redis.conf, such as volatile-lru. */
function evictionPolicy(policy: string): readonly Verdict[] {
  const consequence =
    policy === 'noeviction'
      ? 'writes fail when the memory is full; BullMQ requires it'
      : policy.startsWith('allkeys')
        ? 'any key may be evicted when the memory is full: right for a cache, wrong for queues and sessions'
        : 'keys with an expiry are evicted when the memory is full; without such keys, writes fail';
  return [{ info: `The eviction policy is ${policy}: ${consequence}.`, data: { policy } }];
}

function reportAssignment(
  { az, report }: Section,
  { assignments }: Settings,
  objectId: string | undefined,
): void {
  const assignment = assignments?.find(({ properties }) => {
    // Azure Cache for Redis has it among the properties, Azure Managed Redis in `user`.
    const id = textAt(properties, 'objectId') || textAt(properties, 'user', 'objectId');
    return id.toLowerCase() === objectId?.toLowerCase();
  });
  const policy = assignment ? text(assignment, 'accessPolicyName') : '';
  report('access-policy', [
    {
      when: assignments === undefined || objectId === undefined,
      skipped: 'The access policy assignments were not read.',
    },
    {
      when: assignment !== undefined,
      ok: `The identity ${objectId ?? ''} has the access policy ${policy}.`,
      data: { policy },
    },
    {
      error: `The identity ${objectId ?? ''} has no access policy on this cache.`,
      why: 'Its logins are refused with WRONGPASS. Azure RBAC roles do not grant access to data.',
      remedy: 'Assign an access policy to this object id.',
      command: az?.assignAccess(objectId),
    },
  ]);
}

function reportDiagnosticSettings({ az, report }: Section, { diagnosticSettings }: Settings): void {
  const logging = (diagnosticSettings ?? [])
    .filter((setting) => list(setting, 'logs').some((log) => readField(log, 'enabled') === true))
    .map(({ name = '' }) => name);
  report('diagnostic-settings', [
    {
      when: diagnosticSettings === undefined,
      skipped: 'The identity may not read the diagnostic settings.',
    },
    { when: logging.length > 0, ok: `Diagnostic settings send logs: ${logging.join(', ')}.` },
    {
      warning: 'No diagnostic setting sends the connection logs.',
      severity: 'low',
      why: 'Without logs, an investigation cannot determine which identities connected, and from where.',
      remedy: 'Send the logs to a Log Analytics workspace.',
      command: az?.createDiagnosticSettings,
    },
  ]);
}

/** Azure's name of an eviction policy in the form of redis.conf: VolatileLRU is volatile-lru. */
function asInRedisConf(policy: string): string {
  if (policy === 'NoEviction') return 'noeviction';
  return policy.replace(/^(AllKeys|Volatile)/, '$1-').toLowerCase();
}
