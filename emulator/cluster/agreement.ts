import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisValue } from '../resp/decode.js';
import type { ClusterNode } from './node.js';

/** How often nodes are asked, in ms. */
const INTERVAL = 25;

/** How long a cluster may take to settle, in ms; on an idle machine it takes two or three seconds. */
const PATIENCE = 60_000;

/** After which silence a node is given up, in ms: no node is that merely waits for its turn on a busy machine. */
export const NODE_TIMEOUT = 5_000;

/** The same while nodes come to an agreement, in ms. */
const TALKATIVE = 1_000;

/** @throws what says what was waited for in vain. */
export async function until(what: string, isSo: () => Promise<boolean>, patience = PATIENCE): Promise<void> {
  const end = Date.now() + patience;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`The local cluster did not settle in time: ${what}.`);
    await sleep(INTERVAL);
  }
}

/**
 * Resolves when every node is well, says the same of who has which slots and who is whose replica, and names these
 * replicas to clients.
 */
export async function agreement(nodes: readonly ClusterNode[]): Promise<void> {
  await hasten(nodes);
  await until('its nodes do not agree', async () => {
    const [first, ...others] = await Promise.all(nodes.map(viewOf));
    if (first === undefined || others.some((view) => view !== first)) return false;
    return (await Promise.all(nodes.map((node) => isWell(node, nodes.length)))).every(Boolean);
  });
  await setNodeTimeout(nodes, NODE_TIMEOUT);
}

/** Has nodes talk to each other more often (at least once in half of the time), and vote sooner, until they agree. */
export async function hasten(nodes: readonly ClusterNode[]): Promise<void> {
  await setNodeTimeout(nodes, TALKATIVE);
}

async function setNodeTimeout(nodes: readonly ClusterNode[], timeout: number): Promise<void> {
  await Promise.all(nodes.map(({ server }) => server.call('CONFIG', 'SET', 'cluster-node-timeout', timeout)));
}

/** A node as CLUSTER NODES shows it. */
interface Entry {
  readonly id: string;
  readonly flags: readonly string[];
  /** The id of the master that it is a replica of. */
  readonly master: string;
  readonly link: string;
  readonly slots: readonly string[];
}

async function entriesOf({ server }: ClusterNode): Promise<Entry[]> {
  const lines = String(await server.call('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
  return lines.map((line) => {
    const [id = '', , flags = '', master = '', , , , link = '', ...slots] = line.split(' ');
    return {
      id,
      flags: flags.split(',').filter((flag) => flag !== 'myself'),
      master,
      link,
      // A slot on the move is shown in brackets, by its two nodes only.
      slots: slots.filter((slot) => !slot.startsWith('[')),
    };
  });
}

async function viewOf(node: ClusterNode): Promise<string> {
  const entries = await entriesOf(node);
  return entries
    .map(({ id, flags, master, link, slots }) => [id, flags, master, link, ...slots].join(' '))
    .sort()
    .join('\n');
}

async function isWell(node: ClusterNode, count: number): Promise<boolean> {
  const { server } = node;
  const info = String(await server.call('CLUSTER', 'INFO'));
  const replication = String(await server.call('INFO', 'replication'));
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_known_nodes:${count}\r`) &&
    (replication.includes('role:master') || replication.includes('master_link_status:up')) &&
    (await namesReplicas(node))
  );
}

/** Clients are told of a replica only once it is known how much of its master's data it has. */
async function namesReplicas(node: ClusterNode): Promise<boolean> {
  const entries = await entriesOf(node);
  const named = new Set((await shardsOf(node)).flatMap(({ ids }) => ids));
  const withSlots = new Set(entries.filter(({ slots }) => slots.length > 0).map(({ id }) => id));
  return entries.every(({ id, master }) => !withSlots.has(master) || named.has(id));
}

/** Whose slots these are, as a node that is well knows it: first the master, then its replicas. */
export interface Shard {
  readonly first: number;
  readonly last: number;
  /** The ids of its nodes, the master first. */
  readonly ids: readonly string[];
}

/** What a node says of the slots. */
export async function shardsOf({ server }: ClusterNode): Promise<Shard[]> {
  const shards = await server.call('CLUSTER', 'SLOTS');
  return listOf(shards).map((shard) => {
    const [first, last, ...nodes] = listOf(shard);
    return { first: Number(first), last: Number(last), ids: nodes.map((node) => String(listOf(node)[2])) };
  });
}

function listOf(value: RedisValue): RedisValue[] {
  return Array.isArray(value) ? value : [];
}
