import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import { ManagementClient, ManagementError, type AzureResource } from './management-client.js';
import { reportCacheSettings } from './settings-of-cache.js';
import { reportManagedSettings } from './settings-of-managed.js';
import { reportDiagnosticSettings, reportPublicAccess } from './settings-common.js';

/** The API versions of the requests. */
const API_VERSIONS = {
  cache: '2024-11-01',
  managed: '2025-07-01',
  diagnosticSettings: '2021-05-01-preview',
} as const;

const DIAGNOSTIC_SETTINGS = '/providers/Microsoft.Insights/diagnosticSettings';

/** The settings of a cache; a list is undefined if the identity may not read it. */
export interface AzureSettings {
  readonly resource: AzureResource;
  /** The databases of Azure Managed Redis. */
  readonly databases: readonly AzureResource[];
  readonly firewallRules: readonly AzureResource[] | undefined;
  readonly accessPolicyAssignments: readonly AzureResource[] | undefined;
  readonly diagnosticSettings: readonly AzureResource[] | undefined;
}

/** Reads the settings of the cache from Azure Resource Manager and reports on them. */
export async function checkResource(
  context: DiagnosisContext,
  objectId: string | undefined,
  report: SectionReport,
): Promise<void> {
  try {
    const settings = await readSettings(new ManagementClient(context), context);
    report.ok(
      'resource',
      `The settings of ${context.target.resourceId} were read from Azure Resource Manager.`,
    );
    reportPublicAccess(context, settings.resource, report);
    const reportSettings = context.target.product === 'cache' ? reportCacheSettings : reportManagedSettings;
    reportSettings(context, settings, report);
    reportAssignment(context, settings.accessPolicyAssignments, objectId, report);
    reportDiagnosticSettings(context, settings.diagnosticSettings, report);
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    reportUnreadable(context, error, report);
  }
}

async function readSettings(client: ManagementClient, { target }: DiagnosisContext): Promise<AzureSettings> {
  const { resourceId, product } = target;
  const version = API_VERSIONS[product];
  const resource = await client.get(resourceId, version);
  const databases = product === 'managed' ? await client.list(`${resourceId}/databases`, version) : [];
  const data =
    product === 'managed'
      ? `${resourceId}/databases/${databases[0]?.name?.split('/').at(-1) ?? 'default'}`
      : resourceId;
  const [firewallRules, accessPolicyAssignments, ofCache, ofDatabase] = await Promise.all([
    product === 'cache' ? optional(client.list(`${resourceId}/firewallRules`, version)) : [],
    optional(client.list(`${data}/accessPolicyAssignments`, version)),
    optional(client.list(`${resourceId}${DIAGNOSTIC_SETTINGS}`, API_VERSIONS.diagnosticSettings)),
    // Azure Managed Redis logs connections for each database, and metrics for the cluster.
    data === resourceId
      ? undefined
      : optional(client.list(`${data}${DIAGNOSTIC_SETTINGS}`, API_VERSIONS.diagnosticSettings)),
  ]);
  const diagnosticSettings =
    ofCache === undefined && ofDatabase === undefined
      ? undefined
      : [...(ofCache ?? []), ...(ofDatabase ?? [])];
  return { resource, databases, firewallRules, accessPolicyAssignments, diagnosticSettings };
}

/** A role may permit to read the cache but not its child resources. */
function optional(resources: Promise<AzureResource[]>): Promise<AzureResource[] | undefined> {
  return resources.catch((error: unknown) => {
    if (error instanceof ManagementError) return undefined;
    throw error;
  });
}

function reportAssignment(
  { az }: DiagnosisContext,
  assignments: readonly AzureResource[] | undefined,
  objectId: string | undefined,
  report: SectionReport,
): void {
  if (assignments === undefined || objectId === undefined) {
    report.skipped('access-policy', 'The access policy assignments were not read.');
    return;
  }
  const assignment = assignments.find(
    ({ properties = {} }) => objectIdOf(properties)?.toLowerCase() === objectId.toLowerCase(),
  );
  if (assignment) {
    const policy = String(assignment.properties?.['accessPolicyName']);
    report.ok('access-policy', `The identity ${objectId} has the access policy ${policy}.`, {
      data: { policy },
    });
    return;
  }
  report.error('access-policy', `The identity ${objectId} has no access policy on this cache.`, {
    severity: 'high',
    why: 'Its logins are refused with WRONGPASS. Azure RBAC roles do not grant access to data.',
    remedy: 'Assign an access policy to this object id.',
    command: az.assignAccess(objectId),
  });
}

/** Azure Cache for Redis has it among the properties, Azure Managed Redis in `user`. */
function objectIdOf({ objectId, user }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof objectId === 'string') return objectId;
  const id: unknown = typeof user === 'object' && user !== null ? Reflect.get(user, 'objectId') : undefined;
  return typeof id === 'string' ? id : undefined;
}

function reportUnreadable({ target }: DiagnosisContext, error: ManagementError, report: SectionReport): void {
  const { status, hint, message } = error;
  if (status === 404) {
    report.error('resource', message, {
      severity: 'medium',
      remedy: 'Check the resource id (Azure portal, Properties), and that the identity may read it.',
      command: `az resource show --ids ${target.resourceId}`,
    });
    return;
  }
  report.warning('resource', message, {
    severity: 'low',
    why: 'The settings of the cache were not checked.',
    remedy:
      status === 401 || status === 403
        ? 'Assign the role Reader on the cache to the identity, or sign in as a user with that role.'
        : (hint ?? 'Check the network, and the proxy (HTTPS_PROXY).'),
    command:
      status === 403
        ? `az role assignment create --role Reader --scope ${target.resourceId} --assignee $OBJECT_ID`
        : 'az login',
  });
}
