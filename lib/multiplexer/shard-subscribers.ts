import { setTimeout as sleep } from 'node:timers/promises';
import { Command, type Cluster } from 'ioredis';
import type { Refusal } from '../ioredis/resubscribe.js';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import type { Subscriptions } from './channels.js';
import type { Reporter } from './events.js';
import { isRedirection } from './subscriber-connection.js';
import { Subscriber, type SubscriberRoute } from './subscriber.js';
import { createClusterSubscriber } from './topology.js';

/** The wait before the slots are read again after one has moved, in ms: the nodes have to tell each other. */
const SLOTS_DELAY = 100;

/** How often a shard channel is looked for at the node of its slot: for 10 s. */
const ATTEMPTS = 50;

/**
 * Subscribes to the shard channels of a cluster: over a subscriber at each node that has the slots of some, which move to
 * other nodes with their slots.
 *
 * The sharded subscribers of ioredis do not exist in its oldest supported versions, report no refused channel and no loss,
 * and do not hand over.
 */
export class ShardSubscribers {
  readonly #cluster: Cluster;
  readonly #options: ConfiguredRedisOptions;
  readonly #subscriptions: Subscriptions;
  readonly #reporter: Reporter;
  /** By the address of the node. */
  readonly #byNode = new Map<string, Subscriber>();
  /** Resolves when all that were closed have ended. */
  #closing: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    cluster: Cluster,
    options: ConfiguredRedisOptions,
    subscriptions: Subscriptions,
    reporter: Reporter,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#subscriptions = subscriptions;
    this.#reporter = reporter;
    cluster.on('refresh', this.#followSlots);
  }

  get subscribers(): Subscriber[] {
    return [...this.#byNode.values()];
  }

  /** As `sync()` of a subscriber. */
  async sync(names: readonly string[]): Promise<readonly Refusal[]> {
    for (let attempt = 1; ; attempt += 1) {
      const inUse = names.filter((name) => this.#subscriptions.has('ssubscribe', name));
      for (const node of this.#nodesOf(inUse)) this.#at(node);
      const involved = [...this.#nodesOf(names)].flatMap((node) => this.#byNode.get(node) ?? []);
      const syncing = involved.map((subscriber) => subscriber.sync('ssubscribe', names));
      const refusals = (await Promise.all(syncing)).flat();
      const isMoved = refusals.some(({ error }) => isRedirection(error));
      if (this.#isClosed || attempt === ATTEMPTS || !isMoved) return refusals;
      this.#refreshSlots();
      await sleep(2 * SLOTS_DELAY, undefined, { ref: false });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#cluster.off('refresh', this.#followSlots);
    for (const subscriber of this.subscribers) this.#close(subscriber);
    await this.#closing;
  }

  /** The subscriber at a node. */
  #at(node: string): Subscriber {
    const known = this.#byNode.get(node);
    if (known) return known;
    const route: SubscriberRoute = {
      createClient: (failures) => {
        if (failures > 0) this.#refreshSlots();
        const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(node) ?? [];
        return createClusterSubscriber(this.#options, { host, port: Number(port) });
      },
      carries: (kind, name) => kind === 'ssubscribe' && this.#nodeOf(name) === node,
      publish: (marker) => this.#cluster.publish(marker, ''),
      moved: this.#refreshSlots,
    };
    const subscriber = new Subscriber(route, this.#subscriptions, this.#options, this.#reporter);
    this.#byNode.set(node, subscriber);
    return subscriber;
  }

  #nodesOf(names: readonly string[]): Set<string> {
    return new Set(names.map((name) => this.#nodeOf(name)));
  }

  /** The address of the node that has the slot of a shard channel; empty if none has, so that any node may say so. */
  #nodeOf(name: string): string {
    const slot = new Command('get', [`${this.#options.keyPrefix ?? ''}${name}`]).getSlot();
    return this.#cluster.slots[slot]?.[0] ?? '';
  }

  readonly #refreshSlots = (): void => {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#cluster.refreshSlotsCache();
    }, SLOTS_DELAY).unref();
  };

  readonly #followSlots = (): void => {
    const nodes = this.#nodesOf(this.#subscriptions.names('ssubscribe'));
    for (const [node, subscriber] of this.#byNode) {
      if (nodes.has(node)) continue;
      this.#byNode.delete(node);
      this.#close(subscriber);
    }
    for (const node of nodes) this.#at(node).resubscribe();
  };

  #close(subscriber: Subscriber): void {
    this.#closing = Promise.all([this.#closing, subscriber.close()]);
  }
}
