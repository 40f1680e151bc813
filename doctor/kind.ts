import { azureEndpoint } from '../lib/configure/azure-endpoints.js';
import type { DiagnosisContext } from './context.js';
import type { SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import { checkNodes, readSlots, reportCoverage } from './nodes.js';
import type { Permissions } from './permissions.js';
import type { Session } from './session.js';

/** Determines which client the cache needs, and whether its nodes can be used. @throws SessionError */
export async function checkKind(
  context: DiagnosisContext,
  session: Session,
  identity: DiagnosedIdentity,
  permissions: Permissions,
  report: SectionReport,
): Promise<void> {
  const answer = await session.ask('CLUSTER', 'SLOTS');
  const ranges = 'reply' in answer ? readSlots(answer.reply, context.host) : [];
  if (ranges.length === 0) {
    report.ok('kind', `${kindOf(context, 'error' in answer ? answer.error : '')} Use a Redis client.`, {
      snippet: snippet(context, identity, permissions, false),
      data: { isCluster: false },
    });
    return;
  }
  const nodes = new Set(ranges.flatMap((range) => range.nodes.map(({ host, port }) => `${host}:${port}`)));
  report.ok('kind', `A cluster of ${nodes.size} nodes (${clusterKind(context)}). Use a Cluster client.`, {
    snippet: snippet(context, identity, permissions, true),
    data: { isCluster: true, nodes: [...nodes] },
  });
  await checkNodes(context, ranges, identity, report);
  reportCoverage(ranges, report);
}

function clusterKind({ target }: DiagnosisContext): string {
  if (!target.isProductKnown) return 'OSS cluster policy';
  return target.product === 'cache'
    ? 'a clustered Premium cache of Azure Cache for Redis'
    : 'the OSS cluster policy of Azure Managed Redis';
}

function kindOf({ target }: DiagnosisContext, error: string): string {
  if (error.includes('NOPERM'))
    return 'Whether this is a cluster is unknown: the role does not permit CLUSTER SLOTS.';
  if (!target.isProductKnown) return 'Not clustered: one endpoint serves all keys.';
  return target.product === 'cache'
    ? 'Not clustered.'
    : 'One endpoint serves all keys: the Enterprise cluster policy, or no clustering.';
}

/** Code for the application, without any secret. */
function snippet(
  { host, port, options }: DiagnosisContext,
  { usesAccessKey }: DiagnosedIdentity,
  { allowsInfo }: Permissions,
  isCluster: boolean,
): string {
  const properties = [
    `host: '${host}'`,
    ...(azureEndpoint(host)?.port === port ? [] : [`port: ${port}`]),
    ...(options.tls !== false && options.tls?.ca !== undefined ? ['tls: { ca }'] : []),
    ...identityProperties(options, usesAccessKey),
    ...(allowsInfo ? [] : ['enableReadyCheck: false']),
  ];
  const argument = `{ ${properties.join(', ')} }`;
  return isCluster
    ? `const cluster = new Cluster(...(await configureClusterForAzure(${argument})));`
    : `const redis = new Redis(await configureForAzure(${argument}));`;
}

function identityProperties(options: DiagnosisContext['options'], usesAccessKey: boolean): string[] {
  const { credential, managedIdentity, servicePrincipal, authenticator } = options;
  if (usesAccessKey) return ['accessKey'];
  if (credential) return ['credential'];
  if (authenticator) return ['authenticator'];
  if (managedIdentity === true) return ['managedIdentity: true'];
  if (managedIdentity) {
    const [[name, id] = ['', '']] = Object.entries(managedIdentity);
    return [`managedIdentity: { ${name}: '${id}' }`];
  }
  if (!servicePrincipal) return [];
  const proof = servicePrincipal.certificate === undefined ? 'clientSecret' : 'certificate';
  return [`servicePrincipal: { tenantId, clientId, ${proof} }`];
}
