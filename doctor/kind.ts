import { type Answer, azureEndpoint, cacheKindOf, KIND_COMMANDS } from '../lib/configure/azure-caches.js';
import type { TrialClient } from './client.js';
import { type Section, sentence } from './finding.js';
import { identitiesIn } from './identity.js';
import { logIn } from './login.js';
import type { Context, DiagnoseOptions } from './options.js';

/** A range of slots, and the nodes that serve it: the master first. */
interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly ClusterNode[];
}

interface ClusterNode {
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

const SLOTS = 16_384;

/** What a cluster, and a cache that is none, is called. */
const FORMS = {
  cache: { cluster: 'a clustered Premium cache of Azure Cache for Redis', single: 'Not clustered.' },
  managed: {
    cluster: 'the OSS cluster policy of Azure Managed Redis',
    single: 'One endpoint serves all keys: the Enterprise cluster policy, or no clustering.',
  },
  unknown: { cluster: 'OSS cluster policy', single: 'Not clustered: one endpoint serves all keys.' },
} as const;

/** Determines which client the cache needs, and whether its nodes can be used. Resolves to `true`. @throws TrialError */
export async function checkKind(section: Section, client: TrialClient, allowsInfo: boolean): Promise<true> {
  const { target, host, report } = section;
  const answers = await Promise.all(KIND_COMMANDS.map((command) => client.ask(...command)));
  const kind = cacheKindOf(answers);
  const ranges = slotsOf(answers[0], host);
  const nodes = new Map(ranges.flatMap((range) => range.nodes).map((node) => [node.name, node]));
  const form = FORMS[target.isProductKnown ? target.product : 'unknown'];
  const isCluster = kind === 'cluster';
  const options = optionsIn(section, allowsInfo);
  const single = {
    snippet: `const redis = new Redis(await configureForAzure(${options}));`,
    data: { isCluster },
  };
  report('kind', [
    {
      when: isCluster && nodes.size === 0,
      error: `A cluster (${form.cluster}), whose nodes the role does not permit to list (CLUSTER SLOTS).`,
      why: 'A Cluster client cannot find the nodes, and any other client is redirected.',
      remedy: 'Assign an access policy that permits CLUSTER SLOTS: add `+cluster|slots` to its permissions.',
      data: { isCluster, nodes: [] },
    },
    {
      when: isCluster,
      ok: `A cluster of ${nodes.size} nodes (${form.cluster}). Use a Cluster client.`,
      snippet: `const cluster = new Cluster(...(await configureClusterForAzure(${options})));`,
      data: { isCluster, nodes: [...nodes.keys()] },
    },
    {
      when: kind === 'unknown',
      ok: 'Whether this is a cluster is unknown: the role does not permit CLUSTER SLOTS. Use a Redis client.',
      ...single,
    },
    { ok: `${form.single} Use a Redis client.`, ...single },
  ]);
  if (nodes.size === 0) return true;
  const masters = new Set(ranges.map(({ nodes: [master] }) => master?.name));
  await checkNodes(section, client, [...nodes.values()], masters);
  reportCoverage(section, ranges);
  return true;
}

/** Reads the reply to CLUSTER SLOTS. A node that announces no address is at the host of the endpoint. */
function slotsOf(answer: Answer | undefined, endpoint: string): SlotRange[] {
  if (!answer || !('reply' in answer) || !Array.isArray(answer.reply)) return [];
  return answer.reply.filter(Array.isArray).map(([first, last, ...nodes]: unknown[]) => ({
    first: Number(first),
    last: Number(last),
    nodes: nodes.filter(Array.isArray).map(([address, port]: unknown[]) => {
      const host = typeof address === 'string' && address !== '' ? address : endpoint;
      return { host, port: Number(port), name: `${host}:${String(port)}` };
    }),
  }));
}

/** Logs in at each node, as a client does. */
async function checkNodes(
  section: Section,
  { authenticator }: TrialClient,
  nodes: readonly ClusterNode[],
  masters: ReadonlySet<string | undefined>,
): Promise<void> {
  const logins = await Promise.all(
    nodes.map(async (node) => ({ ...node, ...(await logIn({ ...section, ...node }, authenticator)) })),
  );
  for (const { name: node, port, isAccepted, isRefused, answer } of logins) {
    const role = masters.has(node) ? 'master' : 'replica';
    const reason = isRefused ? `the login was refused (${answer})` : answer;
    const unusable = {
      error: `The ${role} ${node} cannot be used: ${sentence(reason)}`,
      remedy: `Allow outbound TCP to ${port} as well: nodes use ports 8500 to 8599 (Azure Managed Redis, OSS policy), 13000 to 13999 and 15000 to 15999 (Azure Cache for Redis). If the node is down, wait for the failover to end.`,
      data: { node, role, reason },
    };
    section.report('node', [
      {
        when: isAccepted,
        ok: `The ${role} ${node} is reachable, verified, and accepts the login.`,
        data: { node, role },
      },
      { when: role === 'master', ...unusable, why: 'Commands for its slots fail.' },
      { ...unusable, severity: 'medium', why: 'It cannot replace its master, nor serve reads.' },
    ]);
  }
}

function reportCoverage({ report }: Section, ranges: readonly SlotRange[]): void {
  const covered = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const message = `${covered} of ${SLOTS} slots are served, by ${ranges.length} ranges.`;
  report('slots', [
    { when: covered === SLOTS, ok: message, data: { covered } },
    {
      error: message,
      why: 'Commands for the other slots fail with CLUSTERDOWN.',
      remedy:
        'Wait for a failover or a scaling operation to end; if it lasts, see Resource health in the Azure portal.',
      data: { covered },
    },
  ]);
}

/** The options of the application, as code, without any secret. */
function optionsIn({ host, port, options }: Context, allowsInfo: boolean): string {
  const properties = [
    `host: '${host}'`,
    ...(azureEndpoint(host)?.port === port ? [] : [`port: ${port}`]),
    ...(options.tls !== false && options.tls?.ca !== undefined ? ['tls: { ca }'] : []),
    ...identityIn(options),
    ...(allowsInfo ? [] : ['enableReadyCheck: false']),
  ];
  return `{ ${properties.join(', ')} }`;
}

function identityIn(options: DiagnoseOptions): string[] {
  const { managedIdentity, servicePrincipal } = options;
  if (managedIdentity === true) return ['managedIdentity: true'];
  if (managedIdentity) {
    const [[name, id] = ['', '']] = Object.entries(managedIdentity);
    return [`managedIdentity: { ${name}: '${id}' }`];
  }
  if (!servicePrincipal) return identitiesIn(options);
  const proof = servicePrincipal.certificate === undefined ? 'clientSecret' : 'certificate';
  return [`servicePrincipal: { tenantId, clientId, ${proof} }`];
}
