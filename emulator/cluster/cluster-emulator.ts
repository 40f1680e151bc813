import { AzureRedisError } from '../../lib/index.js';
import { assertOption } from '../../lib/validation.js';
import type { AdminConnection } from '../admin-connection.js';
import type { OpenConnection } from '../connection.js';
import type { DeploymentParts } from '../topology.js';
import { Endpoint } from '../endpoint.js';
import { agreement, hasten, roleOf, shardsOf, until } from './agreement.js';
import { ClusterNode } from './node.js';
import { SlotMigration } from './slot-migration.js';

/** The size of a cluster. */
export interface ClusterSize {
  /** The number of masters, which share the slots. */
  readonly masters: number;
  /** The number of replicas of each master. Default: 0. */
  readonly replicas?: number;
}

const SLOTS = 16_384;

/** The time for which redis-server attempts a failover, in ms; then the command has to be repeated. */
const FAILOVER_TIMEOUT = 6_000;

/**
 * The nodes of a clustered cache, and the changes that occur on Azure: slots move, masters fail over, nodes join and leave.
 * Every change resolves when all nodes agree on it.
 *
 * As on Azure, clients connect to one address first, `azure.port`, and the nodes are announced by IP addresses, for which the
 * certificate is not valid.
 */
export class ClusterEmulator {
  readonly #parts: DeploymentParts;
  #nodes: ClusterNode[] = [];
  #nodesStarted = 0;
  #entry: Endpoint | undefined;

  private constructor(parts: DeploymentParts) {
    this.#parts = parts;
  }

  /** @internal */
  static async start(
    { masters, replicas = 0 }: ClusterSize,
    parts: DeploymentParts,
  ): Promise<ClusterEmulator> {
    const cluster = new ClusterEmulator(parts);
    try {
      await cluster.#form(masters, replicas);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** All nodes, the oldest first. */
  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** The nodes that have slots. */
  async masters(): Promise<ClusterNode[]> {
    const ids = new Set((await this.#shards()).map(({ ids: [master] }) => master));
    return this.#nodes.filter(({ id }) => ids.has(id));
  }

  /** The replicas of a master. */
  async replicasOf(master: ClusterNode): Promise<ClusterNode[]> {
    const shard = (await this.#shards()).find(({ ids: [id] }) => id === master.id);
    return this.#nodes.filter((node) => node !== master && shard?.ids.includes(node.id));
  }

  /** The slot that a key belongs to. */
  async slotOf(key: string): Promise<number> {
    return Number(await this.#first.server.call('CLUSTER', 'KEYSLOT', key));
  }

  /** The master of a slot. */
  async masterOf(slot: number): Promise<ClusterNode> {
    assertSlot(slot);
    const shard = (await this.#shards()).find(({ first, last }) => first <= slot && slot <= last);
    return this.#node(shard?.ids[0]);
  }

  /**
   * Begins to move a slot: until the migration is finished, the source answers ASK for keys that it does not have.
   */
  async migrate(slot: number, target: ClusterNode): Promise<SlotMigration> {
    this.#assertNode(target);
    const source = await this.masterOf(slot);
    return SlotMigration.begin(slot, source, target, await this.#allMasters(), this.#parts.password);
  }

  /** Moves slots and their keys, one after the other. Clients get ASK for a moment, then MOVED. */
  async moveSlots(slots: Iterable<number>, target: ClusterNode): Promise<void> {
    this.#assertNode(target);
    const masters = await this.#allMasters();
    const shards = await this.#shards();
    for (const slot of slots) {
      assertSlot(slot);
      const source = this.#node(shards.find(({ first, last }) => first <= slot && slot <= last)?.ids[0]);
      if (source === target) continue;
      const migration = await SlotMigration.begin(slot, source, target, masters, this.#parts.password);
      await migration.finish();
    }
    await agreement(this.#nodes);
  }

  /**
   * Promotes a replica to master; the old master becomes its replica. Resolves to the new master. No write is lost.
   * Connections stay open: the old master answers MOVED. Azure closes them sooner or later, as `dropConnections()` of the
   * node does.
   */
  async failover(master: ClusterNode): Promise<ClusterNode> {
    this.#assertNode(master);
    const [successor] = await this.replicasOf(master);
    if (!successor) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'The master has no replica to fail over to.',
        'Start the cluster with `replicas: 1`, or add one with `addNode({ replicaOf: master })`.',
      );
    }
    const isMaster = async (): Promise<boolean> => (await roleOf(successor)) === 'master';
    await hasten(this.#nodes);
    do {
      await successor.server.call('CLUSTER', 'FAILOVER');
      // On a busy machine the two may not finish in time: the failover is requested again.
      await until('no failover', isMaster, FAILOVER_TIMEOUT).catch(() => undefined);
    } while (!(await isMaster()));
    await agreement(this.#nodes);
    return successor;
  }

  /** Adds a node: a master without slots, or a replica. */
  async addNode({ replicaOf }: { readonly replicaOf?: ClusterNode } = {}): Promise<ClusterNode> {
    if (replicaOf !== undefined) this.#assertNode(replicaOf);
    const node = await this.#startNode();
    this.#nodes.push(node);
    await this.#first.meet(node);
    if (replicaOf) {
      await this.#acquainted();
      await node.server.call('CLUSTER', 'REPLICATE', replicaOf.id);
    }
    await agreement(this.#nodes);
    return node;
  }

  /** Removes a node. Its slots move to the other masters first, and its replicas to another master. */
  async removeNode(node: ClusterNode): Promise<void> {
    this.#assertNode(node);
    const shards = (await this.#shards()).filter(({ ids: [id] }) => id === node.id);
    const others = (await this.masters()).filter((master) => master !== node);
    const replicas = await this.replicasOf(node);
    const [heir] = others;
    const slots = shards.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => first + index),
    );
    if (shards.length > 0 && !heir) {
      throw new AzureRedisError(
        'INVALID_OPTION',
        'The only master with slots cannot be removed.',
        'Add another master first: `addNode()`.',
      );
    }
    for (const [index, slot] of slots.entries()) {
      const target = others[index % others.length] ?? node;
      await (await SlotMigration.begin(slot, node, target, others, this.#parts.password)).finish();
    }
    if (heir) await Promise.all(replicas.map(({ server }) => server.call('CLUSTER', 'REPLICATE', heir.id)));
    await agreement(this.#nodes);
    this.#nodes = this.#nodes.filter((each) => each !== node);
    await Promise.all(this.#nodes.map(({ server }) => server.call('CLUSTER', 'FORGET', node.id)));
    this.#parts.policy.withdrawFrom(node.server);
    await node.stop();
    await agreement(this.#nodes);
  }

  /** @internal The port to which clients connect first. */
  get port(): number {
    return this.#entry?.port ?? 0;
  }

  /** @internal */
  get server(): AdminConnection {
    return this.#first.server;
  }

  /** @internal The open connections of clients. */
  get open(): OpenConnection[] {
    return this.#endpoints.flatMap(({ open }) => open);
  }

  /** @internal */
  drop(): number {
    return this.#endpoints.map((endpoint) => endpoint.drop()).reduce((sum, count) => sum + count, 0);
  }

  /** @internal */
  async stop(): Promise<void> {
    await Promise.all([this.#entry?.close(), ...this.#nodes.map((node) => node.stop())]);
  }

  async #form(masters: number, replicas: number): Promise<void> {
    const started = await Promise.allSettled(
      Array.from({ length: masters * (1 + replicas) }, () => this.#startNode()),
    );
    this.#nodes = started.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;

    const { certificate, rules, listener, address } = this.#parts;
    this.#entry = await Endpoint.listen(
      { certificate, rules, connectServer: () => this.#first.connect() },
      listener,
      address,
    );

    await Promise.all(
      this.#nodes.slice(0, masters).map(async ({ server }, index) => {
        // Masters with the same epoch would have to agree on new ones first.
        await server.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
        const first = Math.ceil((index * SLOTS) / masters);
        const last = Math.ceil(((index + 1) * SLOTS) / masters) - 1;
        await server.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
      }),
    );
    await Promise.all(this.#nodes.slice(1).map((node) => this.#first.meet(node)));
    await this.#acquainted();
    await Promise.all(
      this.#nodes.slice(masters).map(async ({ server }, index) => {
        await server.call('CLUSTER', 'REPLICATE', this.#nodes[index % masters]?.id ?? '');
      }),
    );
    await agreement(this.#nodes);
  }

  /** Starts a node on the port after that of the last one, unless ports are free ones. */
  #startNode(): Promise<ClusterNode> {
    const { address } = this.#parts;
    this.#nodesStarted += 1;
    const port = address.port === 0 ? 0 : address.port + this.#nodesStarted;
    return ClusterNode.start({ ...this.#parts, address: { ...address, port } });
  }

  /** Resolves when every node knows every other one. */
  async #acquainted(): Promise<void> {
    await until('its nodes do not know each other', async () => {
      const views = await Promise.all(this.#nodes.map(({ server }) => server.call('CLUSTER', 'NODES')));
      return views.every(
        (view) =>
          !String(view).includes('handshake') && this.#nodes.every(({ id }) => String(view).includes(id)),
      );
    });
  }

  /** Includes the masters without slots: every master has to learn about a moved slot. */
  async #allMasters(): Promise<ClusterNode[]> {
    const replicas = new Set(await this.#replicas());
    return this.#nodes.filter((node) => !replicas.has(node));
  }

  async #replicas(): Promise<ClusterNode[]> {
    const roles = await Promise.all(this.#nodes.map(roleOf));
    return this.#nodes.filter((_, index) => roles[index] === 'slave');
  }

  get #first(): ClusterNode {
    return this.#node(this.#nodes[0]?.id);
  }

  get #endpoints(): Endpoint[] {
    return [...(this.#entry ? [this.#entry] : []), ...this.#nodes.map(({ endpoint }) => endpoint)];
  }

  #shards(): ReturnType<typeof shardsOf> {
    return shardsOf(this.#first);
  }

  /** @throws AzureRedisError `INVALID_OPTION` */
  #assertNode(node: unknown): void {
    const isNode = this.#nodes.some((each) => each === node);
    assertOption(isNode, 'node', node, 'a node of this cluster', {
      hint: 'Choose one of `azure.cluster.nodes`.',
    });
  }

  #node(id: string | undefined): ClusterNode {
    const node = this.#nodes.find((each) => each.id === id);
    if (!node) throw new Error('The cluster has no such node.');
    return node;
  }
}

function assertSlot(slot: unknown): void {
  const isSlot = typeof slot === 'number' && Number.isInteger(slot) && slot >= 0 && slot < SLOTS;
  assertOption(isSlot, 'slot', slot, `a whole number from 0 to ${SLOTS - 1}`);
}
