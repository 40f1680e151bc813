import { azureEndpoint } from '../lib/configure/azure-endpoints.js';
import { invalidOption, shown } from '../lib/validation.js';

/** The Azure resource of a cache, as far as it is known. */
export interface AzureTarget {
  /** `cache`: Azure Cache for Redis; `managed`: Azure Managed Redis and the Enterprise tiers. */
  readonly product: 'cache' | 'managed';
  readonly resourceGroup: string;
  readonly name: string;
  /** The resource id, of the cluster and without a database; a placeholder if it is not known. */
  readonly resourceId: string;
  /** Whether the host suffix or the resource id determines the product; otherwise it is assumed. */
  readonly isProductKnown: boolean;
}

const RESOURCE_ID =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Cache\/(redis|redisEnterprise)\/([^/]+))(?:\/databases\/[^/]+)?\/?$/i;

/**
 * Derives the Azure resource from the resource id, or from the host name.
 *
 * @throws AzureRedisError `INVALID_OPTION` if `resourceId` is not that of a cache.
 */
export function azureTarget(host: string, resourceId: string | undefined): AzureTarget {
  if (resourceId !== undefined) return targetOf(resourceId);
  const endpoint = azureEndpoint(host);
  // Only Azure Cache for Redis announces maintenance.
  const product = endpoint?.announcesMaintenance === true ? 'cache' : 'managed';
  const name = endpoint ? (host.split('.')[0] ?? '') : 'my-cache';
  const type = product === 'cache' ? 'redis' : 'redisEnterprise';
  return {
    product,
    resourceGroup: 'my-group',
    name,
    resourceId: `/subscriptions/…/resourceGroups/my-group/providers/Microsoft.Cache/${type}/${name}`,
    isProductKnown: endpoint !== undefined,
  };
}

function targetOf(resourceId: unknown): AzureTarget {
  const match = typeof resourceId === 'string' ? RESOURCE_ID.exec(resourceId) : null;
  const [, id, resourceGroup, type, name] = match ?? [];
  if (id === undefined || resourceGroup === undefined || name === undefined) {
    throw invalidOption(
      `\`resourceId\` must be the Azure resource id of a cache, got ${shown(resourceId)}.`,
      'Set it to /subscriptions/…/resourceGroups/…/providers/Microsoft.Cache/redisEnterprise/… or …/Microsoft.Cache/redis/… (Azure portal, Properties).',
    );
  }
  const product = type?.toLowerCase() === 'redis' ? 'cache' : 'managed';
  return { product, resourceGroup, name, resourceId: id, isProductKnown: true };
}
