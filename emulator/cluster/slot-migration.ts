import { RedisReplyError } from '../resp/decode.js';
import { until } from './agreement.js';
import type { ClusterNode } from './node.js';

/** The most keys that one MIGRATE moves. */
const BATCH = 100;

/** How long a MIGRATE may wait for the other server, in ms. */
const PATIENCE = 5_000;

/**
 * The migration of a slot from one master to another. Until `finish()`, the source serves the keys that it still has, and
 * answers ASK for the others.
 */
export class SlotMigration {
  /** The slot that moves. */
  readonly slot: number;
  readonly #source: ClusterNode;
  readonly #target: ClusterNode;
  readonly #masters: readonly ClusterNode[];
  readonly #password: string;

  private constructor(
    slot: number,
    source: ClusterNode,
    target: ClusterNode,
    masters: readonly ClusterNode[],
    password: string,
  ) {
    this.slot = slot;
    this.#source = source;
    this.#target = target;
    this.#masters = masters;
    this.#password = password;
  }

  /** @internal */
  static async begin(
    slot: number,
    source: ClusterNode,
    target: ClusterNode,
    masters: readonly ClusterNode[],
    password: string,
  ): Promise<SlotMigration> {
    // In this order, the target accepts a client as soon as the source redirects it with ASK.
    await target.server.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
    await source.server.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    return new SlotMigration(slot, source, target, masters, password);
  }

  /** Moves the keys that the source has now, or this many of them. Returns the number of moved keys. */
  async moveKeys(count = Infinity): Promise<number> {
    let moved = 0;
    while (moved < count) {
      const wanted = Math.min(BATCH, count - moved);
      const keys = await this.#source.server.call('CLUSTER', 'GETKEYSINSLOT', this.slot, wanted);
      if (!Array.isArray(keys) || keys.length === 0) break;
      await this.#migrate(keys.map(String));
      moved += keys.length;
    }
    return moved;
  }

  /** Moves the remaining keys, and makes the target the slot's master. Clients of the source get MOVED. */
  async finish(): Promise<void> {
    const assign = (node: ClusterNode): Promise<unknown> =>
      node.server.call('CLUSTER', 'SETSLOT', this.slot, 'NODE', this.#target.id);
    // A source creates no keys in a slot that it is migrating: afterwards it has none.
    await this.moveKeys();
    await this.#outrankSource();
    await assign(this.#target);
    await assign(this.#source);
    await Promise.all(
      this.#masters.filter((node) => node !== this.#target && node !== this.#source).map(assign),
    );
  }

  /**
   * Gives the target a newer configuration epoch than the source's. Otherwise a message in flight, which says that the source
   * has the slot, would make the target give the slot back and delete its keys.
   */
  async #outrankSource(): Promise<void> {
    await until('a node does not hear of the newest configuration', async () => {
      if ((await epochOf(this.#target)) > (await epochOf(this.#source))) return true;
      await this.#target.server.call('CLUSTER', 'BUMPEPOCH');
      return (await epochOf(this.#target)) > (await epochOf(this.#source));
    });
  }

  async #migrate(keys: readonly string[]): Promise<void> {
    const to = ['127.0.0.1', this.#target.port, '', 0, PATIENCE];
    const login = ['AUTH2', 'default', this.#password];
    for (;;) {
      try {
        await this.#source.server.call('MIGRATE', ...to, ...login, 'KEYS', ...keys);
        return;
      } catch (error) {
        // The servers may time out on a busy machine; keys that were moved are no longer here.
        if (!(error instanceof RedisReplyError) || !error.message.startsWith('IOERR')) throw error;
      }
    }
  }
}

async function epochOf({ server }: ClusterNode): Promise<number> {
  const info = String(await server.call('CLUSTER', 'INFO'));
  return Number(/^cluster_my_epoch:(\d+)/m.exec(info)?.[1]);
}
