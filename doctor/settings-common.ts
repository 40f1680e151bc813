import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { AzureResource } from './management-client.js';

/** Reports public network access and private endpoints, which both products describe alike. */
export function reportPublicAccess(
  { az }: DiagnosisContext,
  { properties = {} }: AzureResource,
  report: SectionReport,
): void {
  const endpoints = privateEndpoints(properties);
  const approved = endpoints.filter(({ status }) => status === 'Approved');
  if (properties['publicNetworkAccess'] === 'Disabled') {
    report.ok('public-network-access', 'Public network access is disabled.');
  } else {
    report.warning('public-network-access', 'Public network access is enabled.', {
      severity: 'medium',
      why: 'A stolen token or key can be used from anywhere.',
      remedy: 'Connect through a private endpoint, then disable public network access.',
      command: az.disablePublicAccess,
    });
  }
  const data = { endpoints };
  if (approved.length > 0) {
    report.ok('private-endpoints', `The cache has ${approved.length} approved private endpoint(s).`, {
      data,
    });
  } else if (endpoints.length > 0) {
    const states = endpoints.map(({ status }) => status).join(', ');
    report.warning('private-endpoints', `No private endpoint is approved: ${states}.`, {
      severity: 'medium',
      why: 'Connections through the private endpoint fail.',
      remedy: 'Approve the connection (Azure portal, Private endpoint connections).',
      command: az.listPrivateEndpoints,
      data,
    });
  } else if (properties['publicNetworkAccess'] === 'Disabled') {
    report.error(
      'private-endpoints',
      'The cache has no private endpoint, and public network access is disabled.',
      {
        severity: 'high',
        why: 'No client can connect.',
        remedy: 'Create a private endpoint, or enable public network access.',
        command: az.listPrivateEndpoints,
      },
    );
  } else {
    report.info('private-endpoints', 'The cache has no private endpoint.', {
      command: az.listPrivateEndpoints,
    });
  }
}

/** Reports the minimum TLS version; both products name it alike. */
export function reportMinimumTls(
  { az }: DiagnosisContext,
  { properties = {} }: AzureResource,
  report: SectionReport,
): void {
  const version = properties['minimumTlsVersion'];
  if (version === '1.2' || version === '1.3') {
    report.ok('minimum-tls-version', `The minimum TLS version is ${version}.`);
    return;
  }
  report.warning(
    'minimum-tls-version',
    `The minimum TLS version is ${typeof version === 'string' ? version : 'not set'}.`,
    {
      severity: 'medium',
      why: 'TLS 1.0 and 1.1 have known weaknesses.',
      remedy: 'Require TLS 1.2.',
      command: az.requireModernTls,
    },
  );
}

/** Reports whether clients may connect without TLS, with the message `seen`. */
export function reportPlainAccess(
  { az }: DiagnosisContext,
  { isEnabled, seen }: { readonly isEnabled: boolean; readonly seen: string },
  report: SectionReport,
): void {
  if (!isEnabled) {
    report.ok('non-tls-port', seen);
    return;
  }
  report.warning('non-tls-port', seen, {
    severity: 'high',
    why: 'A client without TLS sends its token or key and all data unencrypted.',
    remedy: 'Disable access without TLS.',
    command: az.disablePlainPort,
  });
}

/** Reports whether access keys are disabled. */
export function reportAccessKeys(
  { az }: DiagnosisContext,
  areDisabled: boolean,
  report: SectionReport,
): void {
  if (areDisabled) {
    report.ok('access-keys', 'Access keys are disabled.');
    return;
  }
  report.warning('access-keys', 'Access keys are enabled.', {
    severity: 'medium',
    why: 'A key is a shared secret with all permissions, which does not expire.',
    remedy: 'Disable access keys once every client uses Entra.',
    command: az.disableKeys,
  });
}

/** Reports whether a diagnostic setting sends the logs of the cache. */
export function reportDiagnosticSettings(
  { az }: DiagnosisContext,
  settings: readonly AzureResource[] | undefined,
  report: SectionReport,
): void {
  if (settings === undefined) {
    report.skipped('diagnostic-settings', 'The identity may not read the diagnostic settings.');
    return;
  }
  const logging = settings.filter(({ properties = {} }) => hasEnabledLog(properties));
  if (logging.length > 0) {
    report.ok(
      'diagnostic-settings',
      `Diagnostic settings send logs: ${logging.map(({ name }) => name).join(', ')}.`,
    );
    return;
  }
  report.warning('diagnostic-settings', 'No diagnostic setting sends the connection logs.', {
    severity: 'low',
    why: 'Without logs, an investigation cannot determine which identities connected, and from where.',
    remedy: 'Send the logs to a Log Analytics workspace.',
    command: az.createDiagnosticSettings,
  });
}

/**
 * Reports the eviction policy.
 *
 * @param policy In the form of redis.conf, such as volatile-lru.
 */
export function reportEvictionPolicy(policy: string, report: SectionReport): void {
  const consequence =
    policy === 'noeviction'
      ? 'writes fail when the memory is full; BullMQ requires it'
      : policy.startsWith('allkeys')
        ? 'any key may be evicted when the memory is full: right for a cache, wrong for queues and sessions'
        : 'keys with an expiry are evicted when the memory is full; without such keys, writes fail';
  report.info('eviction-policy', `The eviction policy is ${policy}: ${consequence}.`, { data: { policy } });
}

/** A setting of a resource, if it is a string. */
export function setting({ properties = {} }: AzureResource, name: string): string | undefined {
  const value = properties[name];
  return typeof value === 'string' ? value : undefined;
}

function hasEnabledLog({ logs }: Readonly<Record<string, unknown>>): boolean {
  return (
    Array.isArray(logs) &&
    logs.some(
      (log: unknown) => typeof log === 'object' && log !== null && Reflect.get(log, 'enabled') === true,
    )
  );
}

interface PrivateEndpoint {
  readonly name: string;
  readonly status: string;
}

function privateEndpoints({
  privateEndpointConnections: connections,
}: Readonly<Record<string, unknown>>): PrivateEndpoint[] {
  if (!Array.isArray(connections)) return [];
  return (connections as AzureConnection[]).map(({ id = '', properties }) => ({
    name: id.split('/').at(-1) ?? '',
    status: properties?.privateLinkServiceConnectionState?.status ?? 'unknown',
  }));
}

interface AzureConnection {
  readonly id?: string;
  readonly properties?: { readonly privateLinkServiceConnectionState?: { readonly status?: string } };
}
