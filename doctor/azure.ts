import { azureEndpoint } from '../lib/configure/azure-caches.js';
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
 * @throws AzureRedisError `INVALID_OPTION` if `given` is not the resource id of a cache.
 */
export function azureTarget(host: string, given: unknown): AzureTarget {
  const endpoint = azureEndpoint(host);
  // Only Azure Cache for Redis announces maintenance.
  const assumedType = endpoint?.announcesMaintenance === true ? 'redis' : 'redisEnterprise';
  const assumedName = endpoint ? host.split('.', 1).join() : 'my-cache';
  const id =
    given === undefined
      ? `/subscriptions/my-subscription/resourceGroups/my-group/providers/Microsoft.Cache/${assumedType}/${assumedName}`
      : given;
  const match = typeof id === 'string' ? RESOURCE_ID.exec(id) : null;
  const [, resourceId, resourceGroup, type, name] = match ?? [];
  if (resourceId === undefined || resourceGroup === undefined || name === undefined) {
    throw invalidOption(
      `\`resourceId\` must be the Azure resource id of a cache, got ${shown(given)}.`,
      'Set it to /subscriptions/…/resourceGroups/…/providers/Microsoft.Cache/redisEnterprise/… or …/Microsoft.Cache/redis/… (Azure portal, Properties).',
    );
  }
  const product = type?.toLowerCase() === 'redis' ? 'cache' : 'managed';
  const isProductKnown = given !== undefined || endpoint !== undefined;
  return { product, resourceGroup, name, resourceId, isProductKnown };
}

/** Commands of the Azure CLI that read or change the settings of a cache. */
export type AzCommands = ReturnType<typeof azCommands>;

/** What a command names the identity whose object id is not known. */
const SOMEONE = '$OBJECT_ID';

/** The `az` commands for this cache. */
export function azCommands(target: AzureTarget) {
  const { resourceId } = target;
  const ofProduct = target.product === 'cache' ? cacheCommands(target) : managedCommands(target);
  return {
    ...ofProduct,
    listPrivateEndpoints: shell`az network private-endpoint-connection list --id ${resourceId}`,
    createDiagnosticSettings: shell`az monitor diagnostic-settings create --name redis --resource ${ofProduct.logged} --workspace my-workspace --logs '[{"categoryGroup":"allLogs","enabled":true}]'`,
    assignReader: shell`az role assignment create --role Reader --scope ${resourceId} --assignee ${SOMEONE}`,
  };
}

function cacheCommands({ resourceGroup, name, resourceId }: AzureTarget) {
  const cache = shell`--resource-group ${resourceGroup} --name ${name}`;
  return {
    /** The resource that logs connections. */
    logged: resourceId,
    show: `az redis show ${cache}`,
    showKeys: `az redis show ${cache} --query disableAccessKeyAuthentication`,
    assignAccess: (objectId = SOMEONE) =>
      `az redis access-policy-assignment create ${cache} --policy-assignment-name my-app --access-policy-name 'Data Contributor' ${shell`--object-id ${objectId}`} --object-id-alias my-app`,
    enableEntra: `az redis update ${cache} --set redisConfiguration.aadEnabled=true`,
    disableKeys: `az redis update ${cache} --disable-access-keys true`,
    disablePublicAccess: `az redis update ${cache} --set publicNetworkAccess=Disabled`,
    requireModernTls: `az redis update ${cache} --set minimumTlsVersion=1.2`,
    disablePlainPort: `az redis update ${cache} --set enableNonSslPort=false`,
  };
}

function managedCommands({ resourceGroup, name, resourceId }: AzureTarget) {
  const cluster = shell`--resource-group ${resourceGroup} --cluster-name ${name}`;
  const updateDatabase = `az redisenterprise database update ${cluster}`;
  return {
    // Azure Managed Redis logs the connections of each database.
    logged: `${resourceId}/databases/default`,
    show: `az redisenterprise show ${cluster}`,
    showKeys: `az redisenterprise database show ${cluster} --query accessKeysAuthentication`,
    // The name of the assignment has letters and digits only.
    assignAccess: (objectId = SOMEONE) =>
      `az redisenterprise database access-policy-assignment create ${cluster} --database-name default --access-policy-assignment-name myApp --access-policy-name default ${shell`--object-id ${objectId}`}`,
    // It is always enabled.
    enableEntra: undefined,
    disableKeys: `${updateDatabase} --access-keys-auth Disabled`,
    disablePublicAccess: `az redisenterprise update ${cluster} --public-network-access Disabled`,
    requireModernTls: `az redisenterprise update ${cluster} --minimum-tls-version 1.2`,
    disablePlainPort: `${updateDatabase} --client-protocol Encrypted`,
  };
}

/** Why access without TLS matters, and how to end it. */
export function withoutTls(az: AzCommands | undefined) {
  return {
    severity: 'high',
    why: 'A client without TLS sends its token or key and all data unencrypted.',
    remedy: 'Disable access without TLS.',
    command: az?.disablePlainPort,
  } as const;
}

/** A command whose values are quoted for a POSIX shell where that is needed. Variables, such as `$OBJECT_ID`, stay. */
export function shell(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(quoted));
}

function quoted(value: string): string {
  if (value === SOMEONE || /^[\w@%+=:,./-]+$/.test(value)) return value;
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
