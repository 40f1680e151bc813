import { setTimeout as sleep } from 'node:timers/promises';
import { Command, type Cluster, type Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from '../configure/options.js';
import type { Subscriptions } from './channels.js';
import { closedError } from './client-lifecycle.js';
import type { ConnectionsEmitter } from './options.js';
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
  readonly #events: ConnectionsEmitter;
  /** By the address of the node. */
  readonly #byNode = new Map<string, Subscriber>();
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    cluster: Cluster,
    options: ConfiguredRedisOptions,
    subscriptions: Subscriptions,
    events: ConnectionsEmitter,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#subscriptions = subscriptions;
    this.#events = events;
    events.on('moved', this.#refreshSlots);
    cluster.on('refresh', this.#followSlots);
  }

  get subscribers(): Subscriber[] {
    return [...this.#byNode.values()];
  }

  /** As `sync()` of a subscriber. */
  async sync(names: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const syncing = [...this.#grouped(names)].map(async ([node, group]) => {
          const isInUse = group.some((name) => this.#subscriptions.has('ssubscribe', name));
          const subscriber = isInUse ? this.#at(node) : this.#byNode.get(node);
          await subscriber?.sync('ssubscribe', group);
        });
        await Promise.all(syncing);
        return;
      } catch (error) {
        if (this.#isClosed) throw closedError();
        if (attempt === ATTEMPTS || !isRedirection(error)) throw error;
        this.#refreshSlots();
        await sleep(2 * SLOTS_DELAY, undefined, { ref: false });
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#cluster.off('refresh', this.#followSlots);
    for (const subscriber of this.subscribers) this.#close(subscriber);
    await Promise.all(this.#closing);
  }

  /** The subscriber at a node. */
  #at(node: string): Subscriber {
    const known = this.#byNode.get(node);
    if (known) return known;
    const createClient = (failures: number): Redis => {
      if (failures > 0) this.#refreshSlots();
      const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(node) ?? [];
      return createClusterSubscriber(this.#options, { host, port: Number(port) });
    };
    const route: SubscriberRoute = {
      createClient,
      carries: (kind, name) => kind === 'ssubscribe' && this.#nodeOf(name) === node,
      marker: {
        kind: 'ssubscribe',
        // A hash tag, for the slot of a channel of this node.
        suffix: () => {
          const name = this.#subscriptions.names('ssubscribe').find((each) => this.#nodeOf(each) === node);
          return name === undefined ? '' : `{${/^[^{]*\{([^}]+)\}/.exec(name)?.[1] ?? name}}`;
        },
        publish: (marker) => this.#cluster.spublish(marker, ''),
      },
    };
    const subscriber = new Subscriber(route, this.#subscriptions, this.#options, this.#events);
    this.#byNode.set(node, subscriber);
    return subscriber;
  }

  #grouped(names: readonly string[]): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const name of names) {
      const node = this.#nodeOf(name);
      const group = groups.get(node);
      if (group) group.push(name);
      else groups.set(node, [name]);
    }
    return groups;
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
    const groups = this.#grouped(this.#subscriptions.names('ssubscribe'));
    for (const [node, subscriber] of this.#byNode) {
      if (groups.has(node)) continue;
      this.#byNode.delete(node);
      this.#close(subscriber);
    }
    for (const node of groups.keys()) this.#at(node).resubscribe();
  };

  #close(subscriber: Subscriber): void {
    const closing = subscriber.close();
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }
}
