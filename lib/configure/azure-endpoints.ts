import type { Cloud } from '../identities/authority.js';

/** The properties of an Azure Redis endpoint that the suffix of its host name implies. */
export interface AzureEndpoint {
  /** The port that Azure serves TLS on. */
  readonly port: number;
  readonly cloud: Cloud;
  /** Whether this is Azure Cache for Redis, which publishes maintenance events on a channel. */
  readonly announcesMaintenance: boolean;
  /** Whether there are others than database 0. */
  readonly hasDatabases: boolean;
}

const CACHE_FOR_REDIS = { port: 6380, announcesMaintenance: true, hasDatabases: true };
const MANAGED_REDIS = { port: 10000, announcesMaintenance: false, hasDatabases: false };

/**
 * The suffixes of Azure's caches; the Enterprise tiers are as Azure Managed Redis. Source: AzureOptionsProvider and
 * AzureManagedRedisOptionsProvider of StackExchange.Redis.
 */
const AZURE_SUFFIXES: readonly (readonly [suffix: string, endpoint: AzureEndpoint])[] = [
  ['.redis.cache.windows.net', { ...CACHE_FOR_REDIS, cloud: 'public' }],
  ['.redis.cache.usgovcloudapi.net', { ...CACHE_FOR_REDIS, cloud: 'usGovernment' }],
  ['.redis.cache.chinacloudapi.cn', { ...CACHE_FOR_REDIS, cloud: 'china' }],
  ['.redis.azure.net', { ...MANAGED_REDIS, cloud: 'public' }],
  ['.redis.usgovcloudapi.net', { ...MANAGED_REDIS, cloud: 'usGovernment' }],
  ['.redis.chinacloudapi.cn', { ...MANAGED_REDIS, cloud: 'china' }],
  ['.redisenterprise.cache.azure.net', { ...MANAGED_REDIS, cloud: 'public' }],
];

/** The properties that the suffix of a host implies; `undefined` for a host that is not Azure's. */
export function azureEndpoint(host: string): AzureEndpoint | undefined {
  const name = host.toLowerCase();
  return AZURE_SUFFIXES.find(([suffix]) => name.endsWith(suffix))?.[1];
}
