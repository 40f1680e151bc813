import { messageOf } from '../lib/redaction.js';
import type { DiagnosisContext } from './context.js';
import { sentence, type SectionReport } from './finding.js';
import type { DiagnosedIdentity } from './identity.js';
import { firstReplyLine } from './redis-probe.js';

/** A range of slots, and the nodes that serve it: the master first. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly nodes: readonly ClusterNodeAddress[];
}

/** The announced address of a node. */
export interface ClusterNodeAddress {
  readonly host: string;
  readonly port: number;
}

export const SLOTS = 16_384;

/**
 * Reads the reply to CLUSTER SLOTS.
 *
 * @param host The host of a node that announces no address.
 */
export function readSlots(reply: unknown, host: string): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  return (reply as unknown[]).filter(Array.isArray).map(([first, last, ...nodes]: unknown[]) => ({
    first: Number(first),
    last: Number(last),
    nodes: nodes.filter(Array.isArray).map(([address, port]: unknown[]) => ({
      host: typeof address === 'string' && address !== '' ? address : host,
      port: Number(port),
    })),
  }));
}

/** Connects to each node, verifies its certificate, and logs in. */
export async function checkNodes(
  context: DiagnosisContext,
  ranges: readonly SlotRange[],
  { clientOptions }: DiagnosedIdentity,
  report: SectionReport,
): Promise<void> {
  const masters = new Set(ranges.flatMap(({ nodes: [master] }) => (master ? [nameOf(master)] : [])));
  const nodes = new Map(ranges.flatMap((range) => range.nodes.map((node) => [nameOf(node), node] as const)));
  const { authenticator, password } = clientOptions;
  const login = ['AUTH', authenticator.username, String(password)];
  const reasons = await Promise.all([...nodes.values()].map((node) => failureOf(context, node, login)));
  for (const [index, [name, node]] of [...nodes].entries()) {
    reportNode({ name, port: node.port, isMaster: masters.has(name) }, reasons[index], report);
  }
}

function reportNode(
  { name, port, isMaster }: { readonly name: string; readonly port: number; readonly isMaster: boolean },
  reason: string | undefined,
  report: SectionReport,
): void {
  const role = isMaster ? 'master' : 'replica';
  if (reason === undefined) {
    report.ok('node', `The ${role} ${name} is reachable, verified, and accepts the login.`, {
      data: { node: name, role },
    });
    return;
  }
  report.error('node', `The ${role} ${name} cannot be used: ${sentence(reason)}`, {
    severity: isMaster ? 'high' : 'medium',
    why: isMaster ? 'Commands for its slots fail.' : 'It cannot replace its master, nor serve reads.',
    remedy: `Allow outbound TCP to ${port} as well: nodes use ports 8500 to 8599 (Azure Managed Redis, OSS policy), 13000 to 13999 and 15000 to 15999 (Azure Cache for Redis). If the node is down, wait for the failover to end.`,
    data: { node: name, role, reason },
  });
}

/** Reports whether every slot is served. */
export function reportCoverage(ranges: readonly SlotRange[], report: SectionReport): void {
  const covered = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const message = `${covered} of ${SLOTS} slots are served, by ${ranges.length} ranges.`;
  if (covered === SLOTS) {
    report.ok('slots', message, { data: { covered } });
    return;
  }
  report.error('slots', message, {
    severity: 'high',
    why: 'Commands for the other slots fail with CLUSTERDOWN.',
    remedy:
      'Wait for a failover or a scaling operation to end; if it lasts, see Resource health in the Azure portal.',
    data: { covered },
  });
}

/** Why a node cannot be used; `undefined` if it can. */
async function failureOf(
  context: DiagnosisContext,
  node: ClusterNodeAddress,
  login: readonly string[],
): Promise<string | undefined> {
  try {
    const answer = await firstReplyLine(context, login, node);
    return answer.startsWith('-') ? `the login was refused (${answer.slice(1)})` : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function nameOf({ host, port }: ClusterNodeAddress): string {
  return `${host}:${port}`;
}
