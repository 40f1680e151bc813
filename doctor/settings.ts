import { readField } from '../lib/redaction.js';
import { withoutTls } from './azure.js';
import type { Section } from './finding.js';
import type { AzureResource } from './http.js';

/** What Azure Resource Manager returns for a cache; a list is undefined if the identity may not read it. */
export interface Settings {
  readonly cache: AzureResource;
  /** The database of Azure Managed Redis, which has one. */
  readonly database: AzureResource;
  readonly firewallRules: readonly AzureResource[] | undefined;
  readonly assignments: readonly AzureResource[] | undefined;
  /** One list of Azure Cache for Redis, two of Azure Managed Redis. */
  readonly diagnosticSettings: readonly (readonly AzureResource[] | undefined)[];
}

export function reportSettings(section: Section, settings: Settings, objectId: string | undefined): void {
  reportNetwork(section, settings);
  reportEncryption(section, settings);
  reportAccess(section, settings);
  reportAssignment(section, settings, objectId);
  reportData(section, settings);
  reportDiagnosticSettings(section, settings);
}

function reportNetwork(
  { az, target, report }: Section,
  { cache: { properties }, firewallRules }: Settings,
): void {
  const isPublic = text(properties, 'publicNetworkAccess') !== 'Disabled';
  const endpoints = list(properties, 'privateEndpointConnections').map((endpoint) => ({
    name: text(endpoint, 'id').split('/').at(-1) ?? '',
    status: text(endpoint, 'properties', 'privateLinkServiceConnectionState', 'status') || 'unknown',
  }));
  const approved = endpoints.filter(({ status }) => status === 'Approved');
  const ranges =
    firewallRules?.map((rule) => `${text(rule.properties, 'startIP')}–${text(rule.properties, 'endIP')}`) ??
    [];
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
      data: { endpoints },
    },
    {
      when: endpoints.length > 0,
      warning: `No private endpoint is approved: ${endpoints.map(({ status }) => status).join(', ')}.`,
      why: 'Connections through the private endpoint fail.',
      remedy: 'Approve the connection (Azure portal, Private endpoint connections).',
      command: az?.listPrivateEndpoints,
      data: { endpoints },
    },
    { when: isPublic, info: 'The cache has no private endpoint.', command: az?.listPrivateEndpoints },
    {
      error: 'The cache has no private endpoint, and public network access is disabled.',
      why: 'No client can connect.',
      remedy: 'Create a private endpoint, or enable public network access.',
      command: az?.listPrivateEndpoints,
    },
  ]);
  report('firewall-rules', [
    {
      when: target.product === 'managed',
      info: 'Azure Managed Redis has no firewall rules: private endpoints restrict access.',
    },
    { when: firewallRules === undefined, skipped: 'The identity may not read the firewall rules.' },
    {
      when: ranges.includes('0.0.0.0–255.255.255.255'),
      warning: 'A firewall rule allows every address.',
      why: 'The rule has no effect.',
      remedy: 'Allow only the addresses of your clients.',
      data: { ranges },
    },
    { when: ranges.length > 0, ok: `Firewall rules allow ${ranges.join(', ')}.`, data: { ranges } },
    { when: !isPublic, ok: 'Firewall rules are not needed: public network access is disabled.' },
    {
      warning: 'There is no firewall rule: connections from every address are allowed.',
      why: 'A stolen token or key can be used from anywhere.',
      remedy: 'Add the addresses of your clients, or disable public network access.',
    },
  ]);
}

function reportEncryption(
  { az, target, report }: Section,
  { cache: { properties }, database }: Settings,
): void {
  const minimumTls = text(properties, 'minimumTlsVersion');
  const isManaged = target.product === 'managed';
  const allowsPlain = isManaged
    ? text(database.properties, 'clientProtocol') === 'Plaintext'
    : readField(properties, 'enableNonSslPort') === true;
  const seen = isManaged
    ? `The client protocol is ${allowsPlain ? 'plain text' : 'encrypted'}.`
    : `The port without TLS (6379) is ${allowsPlain ? 'enabled' : 'disabled'}.`;
  report('minimum-tls-version', [
    { when: ['1.2', '1.3'].includes(minimumTls), ok: `The minimum TLS version is ${minimumTls}.` },
    {
      warning: `The minimum TLS version is ${minimumTls || 'not set'}.`,
      why: 'TLS 1.0 and 1.1 have known weaknesses.',
      remedy: 'Require TLS 1.2.',
      command: az?.requireModernTls,
    },
  ]);
  report('non-tls-port', [
    { when: !allowsPlain, ok: seen },
    { warning: seen, ...withoutTls(az) },
  ]);
}

function reportAccess({ az, target, report }: Section, { cache: { properties }, database }: Settings): void {
  const isManaged = target.product === 'managed';
  report('entra', [
    { when: isManaged, ok: 'Entra authentication is always enabled in Azure Managed Redis.' },
    {
      // Azure stores it as the text True or true.
      when: text(properties, 'redisConfiguration', 'aad-enabled').toLowerCase() === 'true',
      ok: 'Entra authentication is enabled.',
    },
    {
      error: 'Entra authentication is disabled.',
      why: 'Every login with a token is refused with WRONGPASS.',
      remedy: 'Enable it; the nodes restart.',
      command: az?.enableEntra,
    },
  ]);
  report('access-keys', [
    {
      when: isManaged
        ? text(database.properties, 'accessKeysAuthentication') === 'Disabled'
        : readField(properties, 'disableAccessKeyAuthentication') === true,
      ok: 'Access keys are disabled.',
    },
    {
      warning: 'Access keys are enabled.',
      why: 'A key is a shared secret with all permissions, which does not expire.',
      remedy: 'Disable access keys once every client uses Entra.',
      command: az?.disableKeys,
    },
  ]);
}

function reportAssignment(
  { az, report }: Section,
  { assignments }: Settings,
  objectId: string | undefined,
): void {
  const assignment = assignments?.find(({ properties }) => {
    // Azure Cache for Redis has it among the properties, Azure Managed Redis in `user`.
    const id = text(properties, 'objectId') || text(properties, 'user', 'objectId');
    return id.toLowerCase() === objectId?.toLowerCase();
  });
  const policy = text(assignment?.properties, 'accessPolicyName');
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

/** Where the data are, and when they are evicted. */
function reportData({ az, target, report }: Section, { cache, database }: Settings): void {
  const isManaged = target.product === 'managed';
  const { zones = [], properties } = cache;
  const redundancyMode = text(properties, 'redundancyMode');
  const isZoned = zones.length > 1 || text(properties, 'zonalAllocationPolicy') === 'Automatic';
  const advice = {
    remedy: isManaged
      ? 'Use high availability, in a region with availability zones.'
      : 'Use a zone-redundant Standard or Premium cache; the zones of an existing cache change only when it is scaled.',
    command: az?.show,
    data: { zones, ...(isManaged && { redundancyMode }) },
  };
  report('zone-redundancy', [
    {
      // With high availability, Azure spreads a managed cache over the zones of its region by itself.
      when: redundancyMode === '' ? isZoned : redundancyMode === 'ZR',
      ok: isManaged ? 'The cache is zone redundant.' : 'The cache uses several availability zones.',
      data: advice.data,
    },
    {
      when: text(properties, 'highAvailability') === 'Disabled' || redundancyMode === 'None',
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
  const clustering = text(database.properties, 'clusteringPolicy');
  report('clustering-policy', {
    when: clustering !== '',
    info: `The clustering policy is ${clustering}: use ${clustering === 'OSSCluster' ? 'a Cluster' : 'a Redis'} client.`,
    data: { policy: clustering },
  });
  const eviction =
    text(database.properties, 'evictionPolicy') || text(properties, 'redisConfiguration', 'maxmemory-policy');
  // As in redis.conf: Azure Managed Redis says VolatileLRU for volatile-lru.
  const policy = (eviction || 'volatile-lru').replace(/^(AllKeys|Volatile)/, '$1-').toLowerCase();
  const consequence =
    policy === 'noeviction'
      ? 'writes fail when the memory is full; BullMQ requires it'
      : policy.startsWith('allkeys')
        ? 'any key may be evicted when the memory is full: right for a cache, wrong for queues and sessions'
        : 'keys with an expiry are evicted when the memory is full; without such keys, writes fail';
  report('eviction-policy', { info: `The eviction policy is ${policy}: ${consequence}.`, data: { policy } });
}

function reportDiagnosticSettings({ az, report }: Section, { diagnosticSettings }: Settings): void {
  const readable = diagnosticSettings.filter((settings) => settings !== undefined);
  const logging = readable
    .flat()
    .filter(({ properties }) => list(properties, 'logs').some((log) => readField(log, 'enabled') === true))
    .map(({ name = '' }) => name);
  report('diagnostic-settings', [
    { when: readable.length === 0, skipped: 'The identity may not read the diagnostic settings.' },
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

/** The text at the end of a path of fields; empty if there is none. */
function text(from: unknown, ...path: readonly string[]): string {
  const value = path.reduce(readField, from);
  return typeof value === 'string' ? value : '';
}

/** A field that is an array; empty if it is missing. */
function list(from: unknown, name: string): readonly unknown[] {
  const value = readField(from, name);
  return Array.isArray(value) ? value : [];
}
