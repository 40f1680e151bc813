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

/**
 * What answers at the endpoint of a cache:
 *
 * - `cluster`: one of several nodes, each of which has a part of the keys and names the others (the OSS cluster policy of Azure
 *   Managed Redis, or a clustered Premium cache of Azure Cache for Redis). It needs a `Cluster`.
 * - `single`: a server or proxy with all keys (the Enterprise policy, or no clustering). It needs a `Redis`.
 * - `unknown`: the role permits no command that would tell.
 */
export type CacheKind = 'cluster' | 'single' | 'unknown';

/** The answer to a command: a reply, or the message of an error reply. */
export type Answer = { readonly reply: unknown } | { readonly error: string };

/**
 * The commands whose answers tell the kind, of which a role may permit none. Send them together: one round trip. The keys are
 * in the first and in the last slots, which are at different nodes, so that every node is asked for one that it does not have.
 */
export const KIND_COMMANDS: readonly (readonly [command: string, ...args: string[]])[] = [
  ['CLUSTER', 'SLOTS'],
  ['GET', 'ioredis-azure:4339'],
  ['GET', 'ioredis-azure:5265'],
];

/** @param answers Those to `KIND_COMMANDS`, in their order. */
export function cacheKindOf([slots, ...values]: readonly Answer[]): CacheKind {
  if (values.some((answer) => 'error' in answer && answer.error.startsWith('MOVED '))) return 'cluster';
  if (!slots) return 'unknown';
  if ('reply' in slots) return Array.isArray(slots.reply) && slots.reply.length > 0 ? 'cluster' : 'single';
  // Any other error says that the server knows no clusters.
  return slots.error.startsWith('NOPERM') ? 'unknown' : 'single';
}
