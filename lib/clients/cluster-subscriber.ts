import { setTimeout as sleep } from 'node:timers/promises';
import { settlesWithin } from '../timing/timeouts.js';
import { pendingReplies, type Client } from '../ioredis/client.js';
import type { Replacement } from './replacement.js';

/** What ioredis calls the connections of a `Cluster` for its subscriptions, sharded ones included. */
const NAME = /^ioredis-cluster\(s?subscriber\)/;

/** How long a cluster may take to put another client in the place of one that has ended, in ms. */
const SUCCESSOR_TIMEOUT = 10_000;

/** How often a new client is asked whether it is subscribed, in ms: no event tells of it. */
const INTERVAL = 2;

/** Whether a `Cluster` made the client for its subscriptions. */
export function isClusterSubscriber({ options: { connectionName } }: Client): boolean {
  return connectionName !== undefined && NAME.test(connectionName);
}

/**
 * Replaces the clients that clusters have for their subscriptions: a cluster makes another one itself when one has
 * ended, and subscribes that to the channels, on the node that has them by then.
 *
 * If the client connected again instead, the channels would be lost with the node (ioredis looks for them in the newest
 * connection, which has not subscribed yet), and a refusal to subscribe again would end the process.
 */
export class ClusterSubscribers {
  /** Who waits for the client in the place of one that has ended, by that one; first come, first served. */
  readonly #awaited = new Map<Client, (successor: Client) => void>();

  /** A cluster has made this client. */
  created(client: Client): void {
    for (const [predecessor, resolve] of this.#awaited) {
      if (predecessor.options.connectionName !== client.options.connectionName) continue;
      this.#awaited.delete(predecessor);
      resolve(client);
      return;
    }
  }

  /** Ends the client; resolves to nothing if its cluster makes no other one, since it is closed. */
  async replace(client: Client): Promise<Replacement | undefined> {
    const since = performance.now();
    const subscribed = this.#subscribed(client);
    client.disconnect();
    const isReplaced = await settlesWithin(SUCCESSOR_TIMEOUT, subscribed);
    this.#awaited.delete(client);
    return isReplaced ? { gap: Math.round(performance.now() - since), delivery: 'best-effort' } : undefined;
  }

  async #subscribed(client: Client): Promise<void> {
    let successor: Client;
    // If it cannot be connected, the cluster tries another node.
    do {
      successor = await new Promise<Client>((resolve) => this.#awaited.set(client, resolve));
      while (successor.mode !== 'subscriber' && successor.status !== 'end') {
        await sleep(INTERVAL, undefined, { ref: false });
      }
    } while (successor.status === 'end');
    await pendingReplies(successor);
  }
}
