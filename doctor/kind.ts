import { type Answer, type CacheKind, cacheKindOf, KIND_COMMANDS } from '../lib/cache-kind.js';
import { azureEndpoint } from '../lib/configure/azure-endpoints.js';
import { messageOf } from '../lib/redaction.js';
import type { TrialClient } from './client.js';
import { type Section, sentence } from './finding.js';
import { type DiagnosedIdentity, passwordOf } from './identity.js';
import type { Context, DiagnoseOptions } from './options.js';
import { type Endpoint, firstReplyLine } from './probe.js';

/** A range of slots, and the nodes that serve it: the master first. */
interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly Endpoint[];
}

const SLOTS = 16_384;

/** Determines which client the cache needs, and whether its nodes can be used. Resolves to `true`. @throws TrialError */
export async function checkKind(
  section: Section,
  client: TrialClient,
  identity: DiagnosedIdentity,
  allowsInfo: boolean,
): Promise<true> {
  const answers = await Promise.all(KIND_COMMANDS.map((command) => client.ask(...command)));
  const kind = cacheKindOf(answers);
  const ranges = slotsOf(answers[0], section.host);
  const nodes = new Map(
    ranges.flatMap((range) => range.nodes.map((node) => [addressOf(node), node] as const)),
  );
  const isCluster = kind === 'cluster';
  section.report({
    kind: [
      {
        when: isCluster && nodes.size === 0,
        error: `A cluster (${clusterKind(section)}), whose nodes the role does not permit to list (CLUSTER SLOTS).`,
        why: 'A Cluster client cannot find the nodes, and any other client is redirected.',
        remedy:
          'Assign an access policy that permits CLUSTER SLOTS: add `+cluster|slots` to its permissions.',
        data: { isCluster, nodes: [] },
      },
      {
        when: isCluster,
        ok: `A cluster of ${nodes.size} nodes (${clusterKind(section)}). Use a Cluster client.`,
        snippet: `const cluster = new Cluster(...(await configureClusterForAzure(${optionsIn(section, identity, allowsInfo)})));`,
        data: { isCluster, nodes: [...nodes.keys()] },
      },
      {
        ok: `${singleKind(section, kind)} Use a Redis client.`,
        snippet: `const redis = new Redis(await configureForAzure(${optionsIn(section, identity, allowsInfo)}));`,
        data: { isCluster },
      },
    ],
  });
  if (nodes.size === 0) return true;
  const reasons = await Promise.all([...nodes.values()].map((node) => failureOf(section, node, identity)));
  const masters = new Set(ranges.map(({ nodes: [master] }) => master && addressOf(master)));
  for (const [index, node] of [...nodes.values()].entries()) {
    reportNode(section, node, masters.has(addressOf(node)) ? 'master' : 'replica', reasons[index] ?? '');
  }
  reportCoverage(section, ranges);
  return true;
}

/** Reads the reply to CLUSTER SLOTS. A node that announces no address is at the host of the endpoint. */
function slotsOf(answer: Answer | undefined, host: string): SlotRange[] {
  if (!answer || !('reply' in answer) || !Array.isArray(answer.reply)) return [];
  return answer.reply.filter(Array.isArray).map(([first, last, ...nodes]: unknown[]) => ({
    first: Number(first),
    last: Number(last),
    nodes: nodes.filter(Array.isArray).map(([address, port]: unknown[]) => ({
      host: typeof address === 'string' && address !== '' ? address : host,
      port: Number(port),
    })),
  }));
}

/** Connects to a node, verifies its certificate, and logs in. */
async function failureOf(
  context: Context,
  node: Endpoint,
  { clientOptions }: DiagnosedIdentity,
): Promise<string> {
  try {
    const line = await firstReplyLine(
      context,
      ['AUTH', clientOptions.authenticator.username, passwordOf(clientOptions)],
      node,
    );
    return line.startsWith('-') ? `the login was refused (${line.slice(1)})` : '';
  } catch (error) {
    return messageOf(error);
  }
}

function addressOf({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}

function reportNode({ report }: Section, node: Endpoint, role: 'master' | 'replica', reason: string): void {
  const name = addressOf(node);
  const unusable = {
    error: `The ${role} ${name} cannot be used: ${sentence(reason)}`,
    remedy: `Allow outbound TCP to ${node.port} as well: nodes use ports 8500 to 8599 (Azure Managed Redis, OSS policy), 13000 to 13999 and 15000 to 15999 (Azure Cache for Redis). If the node is down, wait for the failover to end.`,
    data: { node: name, role, reason },
  };
  report({
    node: [
      {
        when: reason === '',
        ok: `The ${role} ${name} is reachable, verified, and accepts the login.`,
        data: { node: name, role },
      },
      { when: role === 'master', ...unusable, why: 'Commands for its slots fail.' },
      { ...unusable, severity: 'medium', why: 'It cannot replace its master, nor serve reads.' },
    ],
  });
}

function reportCoverage({ report }: Section, ranges: readonly SlotRange[]): void {
  const covered = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const message = `${covered} of ${SLOTS} slots are served, by ${ranges.length} ranges.`;
  const data = { covered };
  report({
    slots: [
      { when: covered === SLOTS, ok: message, data },
      {
        error: message,
        why: 'Commands for the other slots fail with CLUSTERDOWN.',
        remedy:
          'Wait for a failover or a scaling operation to end; if it lasts, see Resource health in the Azure portal.',
        data,
      },
    ],
  });
}

function clusterKind({ target }: Context): string {
  if (!target.isProductKnown) return 'OSS cluster policy';
  return target.product === 'cache'
    ? 'a clustered Premium cache of Azure Cache for Redis'
    : 'the OSS cluster policy of Azure Managed Redis';
}

function singleKind({ target }: Context, kind: CacheKind): string {
  if (kind === 'unknown')
    return 'Whether this is a cluster is unknown: the role does not permit CLUSTER SLOTS.';
  if (!target.isProductKnown) return 'Not clustered: one endpoint serves all keys.';
  return target.product === 'cache'
    ? 'Not clustered.'
    : 'One endpoint serves all keys: the Enterprise cluster policy, or no clustering.';
}

/** The options of the application, as code, without any secret. */
function optionsIn(
  { host, port, options }: Context,
  { usesAccessKey }: DiagnosedIdentity,
  allowsInfo: boolean,
): string {
  const properties = [
    `host: '${host}'`,
    ...(azureEndpoint(host)?.port === port ? [] : [`port: ${port}`]),
    ...(options.tls !== false && options.tls?.ca !== undefined ? ['tls: { ca }'] : []),
    ...(usesAccessKey ? ['accessKey'] : identityProperties(options)),
    ...(allowsInfo ? [] : ['enableReadyCheck: false']),
  ];
  return `{ ${properties.join(', ')} }`;
}

function identityProperties(options: DiagnoseOptions): string[] {
  const { credential, managedIdentity, servicePrincipal, authenticator } = options;
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
