import { shell } from './azure.js';
import type { Section } from './finding.js';
import { type AzureResource, ManagementClient, ManagementError } from './http.js';
import type { Context } from './options.js';
import { reportSettings, type Settings } from './settings.js';

/** The API versions of the requests. */
const API_VERSIONS = {
  cache: '2024-11-01',
  managed: '2025-07-01',
  diagnosticSettings: '2021-05-01-preview',
} as const;

const DIAGNOSTIC_SETTINGS = '/providers/Microsoft.Insights/diagnosticSettings';

/**
 * Reads the settings of the cache from Azure Resource Manager and judges them.
 *
 * @param objectId That of the identity, if it is known.
 */
export async function checkResource(section: Section, objectId: string | undefined): Promise<void> {
  try {
    const settings = await readSettings(new ManagementClient(section), section);
    const { resourceId } = section.target;
    section.report('resource', {
      ok: `The settings of ${resourceId} were read from Azure Resource Manager.`,
    });
    reportSettings(section, settings, objectId);
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    reportUnread(section, error);
  }
}

async function readSettings(client: ManagementClient, { target }: Context): Promise<Settings> {
  const { resourceId, product } = target;
  const isManaged = product === 'managed';
  const version = API_VERSIONS[product];
  const cache = await client.get(resourceId, version);
  const [database = {}] = isManaged ? await client.list(`${resourceId}/databases`, version) : [];
  const databaseId = `${resourceId}/databases/${database.name?.split('/').at(-1) ?? 'default'}`;
  const logs = (id: string): Promise<AzureResource[] | undefined> =>
    optional(client.list(`${id}${DIAGNOSTIC_SETTINGS}`, API_VERSIONS.diagnosticSettings));
  const [firewallRules, assignments, ofCache, ofDatabase] = await Promise.all([
    isManaged ? undefined : optional(client.list(`${resourceId}/firewallRules`, version)),
    optional(client.list(`${isManaged ? databaseId : resourceId}/accessPolicyAssignments`, version)),
    logs(resourceId),
    // Azure Managed Redis logs connections for each database, and metrics for the cluster.
    isManaged ? logs(databaseId) : undefined,
  ]);
  const diagnosticSettings = ofCache || ofDatabase ? [...(ofCache ?? []), ...(ofDatabase ?? [])] : undefined;
  return { cache, database, firewallRules, assignments, diagnosticSettings };
}

/** A role may permit to read the cache but not its child resources. */
function optional(resources: Promise<AzureResource[]>): Promise<AzureResource[] | undefined> {
  return resources.catch((error: unknown) => {
    if (error instanceof ManagementError && error.isRefused) return undefined;
    throw error;
  });
}

function reportUnread({ target, az, report }: Section, { status, hint, message }: ManagementError): void {
  const unread = {
    warning: message,
    severity: 'low',
    why: 'The settings of the cache were not checked.',
  } as const;
  report('resource', [
    {
      when: status === 404,
      error: message,
      severity: 'medium',
      remedy: 'Check the resource id (Azure portal, Properties), and that the identity may read it.',
      command: shell`az resource show --ids ${target.resourceId}`,
    },
    {
      when: status === 403,
      ...unread,
      remedy: 'Assign the role Reader on the cache to the identity, or sign in as a user with that role.',
      command: az?.assignReader,
    },
    {
      when: status === 401,
      ...unread,
      remedy: 'Sign in as a user with the role Reader on the cache.',
      command: 'az login',
    },
    { ...unread, remedy: hint ?? 'Check the network, and the proxy (HTTPS_PROXY).' },
  ]);
}
