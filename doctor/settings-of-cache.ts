import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { AzureResource } from './management-client.js';
import type { AzureSettings } from './resource-manager.js';
import {
  reportAccessKeys,
  reportEvictionPolicy,
  reportMinimumTls,
  reportPlainAccess,
} from './settings-common.js';

/** The default of Azure Cache for Redis. */
const DEFAULT_EVICTION_POLICY = 'volatile-lru';

/** Judges the settings of Azure Cache for Redis. */
export function reportCacheSettings(
  context: DiagnosisContext,
  { resource, firewallRules }: AzureSettings,
  report: SectionReport,
): void {
  const hasPlainPort = resource.properties?.['enableNonSslPort'] === true;
  const seen = `The port without TLS (6379) is ${hasPlainPort ? 'enabled' : 'disabled'}.`;
  reportPlainAccess(context, { isEnabled: hasPlainPort, seen }, report);
  reportMinimumTls(context, resource, report);
  reportEntra(context, resource, report);
  reportAccessKeys(context, resource.properties?.['disableAccessKeyAuthentication'] === true, report);
  reportFirewall(resource, firewallRules, report);
  reportZones(context, resource, report);
  const policy = configuration(resource)['maxmemory-policy'];
  reportEvictionPolicy(typeof policy === 'string' ? policy : DEFAULT_EVICTION_POLICY, report);
}

function reportEntra({ az }: DiagnosisContext, resource: AzureResource, report: SectionReport): void {
  // Azure stores it as the text True or true.
  const isEnabled = String(configuration(resource)['aad-enabled']).toLowerCase() === 'true';
  if (isEnabled) report.ok('entra', 'Entra authentication is enabled.');
  else {
    report.error('entra', 'Entra authentication is disabled.', {
      severity: 'high',
      why: 'Every login with a token is refused with WRONGPASS.',
      remedy: 'Enable it; the nodes restart.',
      ...(az.enableEntra !== undefined && { command: az.enableEntra }),
    });
  }
}

function reportFirewall(
  { properties = {} }: AzureResource,
  rules: readonly AzureResource[] | undefined,
  report: SectionReport,
): void {
  if (rules === undefined) {
    report.skipped('firewall-rules', 'The identity may not read the firewall rules.');
    return;
  }
  const ranges = rules.map(
    ({ properties: range = {} }) => `${String(range['startIP'])}–${String(range['endIP'])}`,
  );
  const data = { ranges };
  if (
    rules.some(
      ({ properties: range = {} }) => range['startIP'] === '0.0.0.0' && range['endIP'] === '255.255.255.255',
    )
  ) {
    report.warning('firewall-rules', 'A firewall rule allows every address.', {
      severity: 'medium',
      why: 'The rule has no effect.',
      remedy: 'Allow only the addresses of your clients.',
      data,
    });
  } else if (rules.length > 0) {
    report.ok('firewall-rules', `Firewall rules allow ${ranges.join(', ')}.`, { data });
  } else if (properties['publicNetworkAccess'] === 'Disabled') {
    report.ok('firewall-rules', 'Firewall rules are not needed: public network access is disabled.');
  } else {
    report.warning(
      'firewall-rules',
      'There is no firewall rule: connections from every address are allowed.',
      {
        severity: 'medium',
        why: 'A stolen token or key can be used from anywhere.',
        remedy: 'Add the addresses of your clients, or disable public network access.',
      },
    );
  }
}

function reportZones(
  { az }: DiagnosisContext,
  { zones = [], properties = {} }: AzureResource,
  report: SectionReport,
): void {
  if (zones.length > 1 || properties['zonalAllocationPolicy'] === 'Automatic') {
    const how = zones.length > 1 ? `zones ${zones.join(', ')}` : 'zones that Azure chooses';
    report.ok('zone-redundancy', `The cache uses several availability zones (${how}).`, {
      data: { zones },
    });
    return;
  }
  report.warning('zone-redundancy', 'The cache is in one availability zone.', {
    severity: 'low',
    why: 'An outage of that zone is an outage of the cache.',
    remedy:
      'Use a zone-redundant Standard or Premium cache; the zones of an existing cache change only when it is scaled.',
    command: az.show,
    data: { zones },
  });
}

function configuration({ properties = {} }: AzureResource): Readonly<Record<string, unknown>> {
  const { redisConfiguration } = properties;
  return typeof redisConfiguration === 'object' && redisConfiguration !== null
    ? { ...redisConfiguration }
    : {};
}
