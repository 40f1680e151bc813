import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisValue } from '../resp/decode.js';
import type { ClusterNode } from './node.js';

/** The interval at which nodes are polled, in ms. */
const INTERVAL = 25;

/** The time within which a cluster must agree, in ms; on an idle machine it takes two or three seconds. */
const PATIENCE = 60_000;

/** The silence after which a node counts as failed, in ms: long enough for a busy machine. */
export const NODE_TIMEOUT = 5_000;

/** The same while nodes come to an agreement, in ms. */
const TALKATIVE = 1_000;

/** @throws an error that names the condition that was not met in time. */
export async function until(what: string, isSo: () => Promise<boolean>, patience = PATIENCE): Promise<void> {
  const end = Date.now() + patience;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`The nodes of the cluster did not agree in time: ${what}.`);
    await sleep(INTERVAL);
  }
}

/**
 * Resolves when every node is healthy, all report the same slots and replicas, and all announce these replicas to clients.
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

/** Shortens the node timeout until they agree: nodes exchange messages at least twice within it, and vote sooner. */
export async function hasten(nodes: readonly ClusterNode[]): Promise<void> {
  await setNodeTimeout(nodes, TALKATIVE);
}

async function setNodeTimeout(nodes: readonly ClusterNode[], timeout: number): Promise<void> {
  await Promise.all(nodes.map(({ server }) => server.call('CONFIG', 'SET', 'cluster-node-timeout', timeout)));
}

/** A node in the output of CLUSTER NODES. */
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
      // A migrating slot is shown in brackets, by its two nodes only.
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

/** A replica is announced to clients only once its replication offset is known. */
async function namesReplicas(node: ClusterNode): Promise<boolean> {
  const entries = await entriesOf(node);
  const named = new Set((await shardsOf(node)).flatMap(({ ids }) => ids));
  const withSlots = new Set(entries.filter(({ slots }) => slots.length > 0).map(({ id }) => id));
  return entries.every(({ id, master }) => !withSlots.has(master) || named.has(id));
}

/** `master` or `slave`. */
export async function roleOf({ server }: ClusterNode): Promise<unknown> {
  const [role] = [await server.call('ROLE')].flat();
  return role;
}

/** The owners of a range of slots, as reported by a healthy node. */
export interface Shard {
  readonly first: number;
  readonly last: number;
  /** The ids of its nodes, the master first. */
  readonly ids: readonly string[];
}

/** The slots as reported by one node. */
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
