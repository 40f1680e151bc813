import { shell } from './azure.js';
import type { Section } from './finding.js';
import { type AzureResource, ManagementClient, ManagementError } from './http.js';
import type { Context } from './options.js';
import { reportSettings, type Settings } from './settings.js';

/** The versions of the API of each product, and of its diagnostic settings. */
const VERSIONS = { cache: '2024-11-01', managed: '2025-07-01', diagnosticSettings: '2021-05-01-preview' };

/** Reads the settings of the cache from Azure Resource Manager and judges them, for the identity with this object id. */
export async function checkResource(section: Section, objectId: string | undefined): Promise<void> {
  try {
    const settings = await readSettings(new ManagementClient(section), section);
    section.report('resource', {
      ok: `The settings of ${section.target.resourceId} were read from Azure Resource Manager.`,
    });
    reportSettings(section, settings, objectId);
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    reportUnread(section, error);
  }
}

async function readSettings(
  client: ManagementClient,
  { target: { resourceId, product } }: Context,
): Promise<Settings> {
  const isManaged = product === 'managed';
  const version = VERSIONS[product];
  const cache = await client.get(resourceId, version);
  const [database = {}] = isManaged ? await client.list(`${resourceId}/databases`, version) : [];
  const databaseId = `${resourceId}/databases/${database.name?.split('/').at(-1) ?? 'default'}`;
  // Azure Managed Redis logs connections for each database, and metrics for the cluster.
  const logIds = isManaged ? [resourceId, databaseId] : [resourceId];
  const [firewallRules, assignments, ...diagnosticSettings] = await Promise.all([
    isManaged ? undefined : optional(client.list(`${resourceId}/firewallRules`, version)),
    optional(client.list(`${isManaged ? databaseId : resourceId}/accessPolicyAssignments`, version)),
    ...logIds.map((id) =>
      optional(
        client.list(`${id}/providers/Microsoft.Insights/diagnosticSettings`, VERSIONS.diagnosticSettings),
      ),
    ),
  ]);
  return { cache, database, firewallRules, assignments, diagnosticSettings };
}

/** A role may permit to read the cache but not its child resources, which may also not exist. */
function optional(resources: Promise<AzureResource[]>): Promise<AzureResource[] | undefined> {
  return resources.catch((error: unknown) => {
    if (error instanceof ManagementError && [401, 403, 404].includes(error.status)) return undefined;
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
