/** An Azure cloud, each with an identity service of its own. */
export type Cloud = 'public' | 'usGovernment' | 'china';

/** What a host name's suffix tells of an Azure Redis endpoint. */
export interface AzureEndpoint {
  /** The port that Azure serves TLS on. */
  readonly port: number;
  readonly cloud: Cloud;
  /** Whether it is Azure Cache for Redis, which tells its clients of maintenance by a channel. */
  readonly announcesMaintenance: boolean;
}

/**
 * The suffixes that Azure gives its caches: 6380 for Azure Cache for Redis, 10000 for Azure Managed Redis and the
 * Enterprise tiers. Source: StackExchange.Redis' AzureOptionsProvider and AzureManagedRedisOptionsProvider.
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

/** What is known of a host from its suffix, or nothing if it is not one of Azure's. */
export function azureEndpoint(host: string): AzureEndpoint | undefined {
  const name = host.toLowerCase();
  return AZURE_SUFFIXES.find(([suffix]) => name.endsWith(suffix))?.[1];
}
