import { settlesWithin } from '../timing/timeouts.js';
import { isLeaving, type Client } from '../ioredis/client.js';
import { pendingReplies } from '../ioredis/queues.js';
import type { Replacement } from './events.js';
import type { ManagedClient } from './managed-client.js';

/** The names that ioredis gives to the connections of a `Cluster` for its subscriptions, sharded ones included. */
const NAME = /^ioredis-cluster\(s?subscriber\)/;

/** How long a cluster may take to replace a client that has ended, in ms. */
const SUCCESSOR_TIMEOUT = 10_000;

/** A client that has ended, until its successor is subscribed. */
interface Succession {
  successor?: Client;
  readonly succeeded: () => void;
}

/** Whether a `Cluster` made the client for its subscriptions. */
export function isClusterSubscriber({ options: { connectionName } }: Client): boolean {
  return connectionName !== undefined && NAME.test(connectionName);
}

/**
 * Replaces the clients that clusters use for their subscriptions. When such a client ends, its cluster creates another
 * one, on the node that serves the channels by then, and subscribes it to them.
 *
 * If the client reconnected instead, the channels would be lost when the node is (ioredis reads them from the newest
 * connection, which has not subscribed yet), and a rejected resubscription would end the process.
 */
export class ClusterSubscribers {
  /** By the client that has ended, in the order in which they ended. */
  readonly #successions = new Map<Client, Succession>();

  /** A cluster has created this client. */
  add(managed: ManagedClient): void {
    const { client } = managed;
    this.#created(client);
    managed.delegateReplacement(
      () => this.#replace(client),
      (reply) => {
        this.#subscriptionSent(client, reply);
      },
    );
  }

  #created(client: Client): void {
    const { connectionName } = client.options;
    for (const [predecessor, succession] of this.#successions) {
      const { successor } = succession;
      // If a successor cannot connect, the cluster tries another node.
      const isOpen = !successor || successor.status === 'end' || isLeaving(successor);
      if (!isOpen || predecessor.options.connectionName !== connectionName) continue;
      succession.successor = client;
      return;
    }
  }

  /** This client has sent the first of the commands that subscribe it; its cluster sends all of them in one tick. */
  #subscriptionSent(client: Client, reply: Promise<unknown>): void {
    for (const { successor, succeeded } of this.#successions.values()) {
      // If it is rejected, the connection is lost, and the cluster creates another successor.
      if (successor === client) reply.then(() => pendingReplies(client)).then(succeeded, () => undefined);
    }
  }

  /** Ends the client; resolves to `undefined` if its cluster creates no other one, because the cluster is closed. */
  async #replace(client: Client): Promise<Replacement | undefined> {
    const since = performance.now();
    const subscribed = new Promise<void>((resolve) => {
      this.#successions.set(client, { succeeded: resolve });
    });
    client.disconnect();
    const isReplaced = await settlesWithin(SUCCESSOR_TIMEOUT, subscribed);
    this.#successions.delete(client);
    return isReplaced ? { gap: Math.round(performance.now() - since), delivery: 'best-effort' } : undefined;
  }
}
