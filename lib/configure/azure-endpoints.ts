import type { Cloud } from '../identities/authority.js';

/** The properties of an Azure Redis endpoint that the suffix of its host name implies. */
export interface AzureEndpoint {
  /** The port that Azure serves TLS on. */
  readonly port: number;
  readonly cloud: Cloud;
  /** Whether this is Azure Cache for Redis, which publishes maintenance events on a channel. */
  readonly announcesMaintenance: boolean;
}

/**
 * The suffixes of Azure's caches: port 6380 for Azure Cache for Redis, 10000 for Azure Managed Redis and the Enterprise
 * tiers. Source: AzureOptionsProvider and AzureManagedRedisOptionsProvider of StackExchange.Redis.
 */
const AZURE_SUFFIXES: readonly (readonly [suffix: string, endpoint: AzureEndpoint])[] = [
  ['.redis.cache.windows.net', { port: 6380, cloud: 'public', announcesMaintenance: true }],
  ['.redis.cache.usgovcloudapi.net', { port: 6380, cloud: 'usGovernment', announcesMaintenance: true }],
  ['.redis.cache.chinacloudapi.cn', { port: 6380, cloud: 'china', announcesMaintenance: true }],
  ['.redis.azure.net', { port: 10000, cloud: 'public', announcesMaintenance: false }],
  ['.redis.usgovcloudapi.net', { port: 10000, cloud: 'usGovernment', announcesMaintenance: false }],
  ['.redis.chinacloudapi.cn', { port: 10000, cloud: 'china', announcesMaintenance: false }],
  ['.redisenterprise.cache.azure.net', { port: 10000, cloud: 'public', announcesMaintenance: false }],
];

/** The properties that the suffix of a host implies; `undefined` for a host that is not Azure's. */
export function azureEndpoint(host: string): AzureEndpoint | undefined {
  const name = host.toLowerCase();
  return AZURE_SUFFIXES.find(([suffix]) => name.endsWith(suffix))?.[1];
}
