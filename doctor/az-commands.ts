import type { AzureTarget } from './azure-target.js';

/** Commands of the Azure CLI that read or change the settings of a cache. */
export interface AzCommands {
  readonly show: string;
  /** Shows whether access keys are enabled. */
  readonly showKeys: string;
  /** Gives an identity access to the data. */
  assignAccess(objectId: string, policy?: string): string;
  /** `undefined` for Azure Managed Redis, where Entra authentication is always enabled. */
  readonly enableEntra: string | undefined;
  readonly disableKeys: string;
  readonly disablePublicAccess: string;
  readonly requireModernTls: string;
  readonly disablePlainPort: string;
  readonly listPrivateEndpoints: string;
  readonly createDiagnosticSettings: string;
}

/** The `az` commands for this cache. */
export function azCommands(target: AzureTarget): AzCommands {
  return target.product === 'cache' ? cacheCommands(target) : managedCommands(target);
}

function cacheCommands(target: AzureTarget): AzCommands {
  const cache = `--resource-group ${target.resourceGroup} --name ${target.name}`;
  return {
    ...commonCommands(target),
    show: `az redis show ${cache}`,
    showKeys: `az redis show ${cache} --query disableAccessKeyAuthentication`,
    assignAccess: (objectId, policy = 'Data Contributor') =>
      `az redis access-policy-assignment create ${cache} --policy-assignment-name my-app --access-policy-name "${policy}" --object-id ${objectId} --object-id-alias my-app`,
    enableEntra: `az redis update ${cache} --set redisConfiguration.aadEnabled=true`,
    disableKeys: `az redis update ${cache} --disable-access-keys true`,
    disablePublicAccess: `az redis update ${cache} --set publicNetworkAccess=Disabled`,
    requireModernTls: `az redis update ${cache} --set minimumTlsVersion=1.2`,
    disablePlainPort: `az redis update ${cache} --set enableNonSslPort=false`,
  };
}

function managedCommands(target: AzureTarget): AzCommands {
  const cluster = `--resource-group ${target.resourceGroup} --cluster-name ${target.name}`;
  const updateDatabase = `az redisenterprise database update ${cluster}`;
  return {
    ...commonCommands(target),
    show: `az redisenterprise show ${cluster}`,
    showKeys: `az redisenterprise database show ${cluster} --query accessKeysAuthentication`,
    // The name of the assignment has letters and digits only.
    assignAccess: (objectId, policy = 'default') =>
      `az redisenterprise database access-policy-assignment create ${cluster} --database-name default --access-policy-assignment-name myApp --access-policy-name ${policy} --object-id ${objectId}`,
    enableEntra: undefined,
    disableKeys: `${updateDatabase} --access-keys-auth Disabled`,
    disablePublicAccess: `az redisenterprise update ${cluster} --public-network-access Disabled`,
    requireModernTls: `az redisenterprise update ${cluster} --minimum-tls-version 1.2`,
    disablePlainPort: `${updateDatabase} --client-protocol Encrypted`,
  };
}

type CommonCommands = Pick<AzCommands, 'listPrivateEndpoints' | 'createDiagnosticSettings'>;

function commonCommands({ product, resourceId }: AzureTarget): CommonCommands {
  // Azure Managed Redis logs the connections of each database.
  const logged = product === 'cache' ? resourceId : `${resourceId}/databases/default`;
  return {
    listPrivateEndpoints: `az network private-endpoint-connection list --id ${resourceId}`,
    createDiagnosticSettings: `az monitor diagnostic-settings create --name redis --resource ${logged} --workspace my-workspace --logs '[{"categoryGroup":"allLogs","enabled":true}]'`,
  };
}
