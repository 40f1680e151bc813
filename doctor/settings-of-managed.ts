import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { AzureResource } from './management-client.js';
import type { AzureSettings } from './resource-manager.js';
import {
  reportAccessKeys,
  reportEvictionPolicy,
  reportMinimumTls,
  reportPlainAccess,
  setting,
} from './settings-common.js';

/** The default of Azure Managed Redis. */
const DEFAULT_EVICTION_POLICY = 'VolatileLRU';

/** Judges the settings of Azure Managed Redis: those of the cluster, and of its database. */
export function reportManagedSettings(
  context: DiagnosisContext,
  { resource, databases }: AzureSettings,
  report: SectionReport,
): void {
  reportMinimumTls(context, resource, report);
  reportZones(context, resource, report);
  for (const database of databases) {
    const isPlain = setting(database, 'clientProtocol') === 'Plaintext';
    const seen = `The client protocol is ${isPlain ? 'plain text' : 'encrypted'}.`;
    reportPlainAccess(context, { isEnabled: isPlain, seen }, report);
    reportAccessKeys(context, setting(database, 'accessKeysAuthentication') === 'Disabled', report);
    reportClusteringPolicy(database, report);
    const policy = setting(database, 'evictionPolicy') ?? DEFAULT_EVICTION_POLICY;
    reportEvictionPolicy(asInRedisConf(policy), report);
  }
  report.ok('entra', 'Entra authentication is always enabled in Azure Managed Redis.');
  report.info(
    'firewall-rules',
    'Azure Managed Redis has no firewall rules: private endpoints restrict access.',
  );
}

function reportClusteringPolicy(database: AzureResource, report: SectionReport): void {
  const policy = setting(database, 'clusteringPolicy');
  if (policy === undefined) return;
  const client = policy === 'OSSCluster' ? 'a Cluster' : 'a Redis';
  report.info('clustering-policy', `The clustering policy is ${policy}: use ${client} client.`, {
    data: { policy },
  });
}

/** With high availability, Azure spreads a cache over the zones of its region by itself. */
function reportZones({ az }: DiagnosisContext, resource: AzureResource, report: SectionReport): void {
  const { zones = [] } = resource;
  const redundancy = setting(resource, 'redundancyMode');
  const isRedundant = redundancy === undefined ? zones.length > 1 : redundancy === 'ZR';
  const isReplicated = setting(resource, 'highAvailability') !== 'Disabled' && redundancy !== 'None';
  const data = { zones, redundancyMode: redundancy };
  if (isRedundant) report.ok('zone-redundancy', 'The cache is zone redundant.', { data });
  else {
    report.warning(
      'zone-redundancy',
      isReplicated
        ? 'The cache is in one availability zone.'
        : 'High availability is disabled: the cache has one copy of the data.',
      {
        severity: isReplicated ? 'low' : 'medium',
        why: isReplicated
          ? 'An outage of that zone is an outage of the cache.'
          : 'The data is lost with its machine, and maintenance interrupts the service.',
        remedy: 'Use high availability, in a region with availability zones.',
        command: az.show,
        data,
      },
    );
  }
}

/** Azure's name of an eviction policy in the form of redis.conf: VolatileLRU is volatile-lru. */
function asInRedisConf(policy: string): string {
  if (policy === 'NoEviction') return 'noeviction';
  return policy.replace(/^(AllKeys|Volatile)/, '$1-').toLowerCase();
}
