import { setImmediate } from 'node:timers/promises';
import { repliesOf, type Client } from './client.js';
import type { Replacement } from './connection.js';

/** What ioredis calls the connections of a `Cluster` for its subscriptions, sharded ones included. */
const NAME = /^ioredis-cluster\(s?subscriber\)/;

/**
 * Whether a `Cluster` made the client for its subscriptions. It makes another one when this one has ended, and
 * subscribes that to the channels: it knows which node has them by then.
 *
 * If the client itself connected again instead, the channels would be lost with the node (ioredis looks for them in the
 * newest connection, which has not subscribed yet), and a refusal to subscribe again would end the process.
 */
export function isClusterSubscriber({ options: { connectionName } }: Client): boolean {
  return connectionName !== undefined && NAME.test(connectionName);
}

/**
 * Ends the client, and waits for the one that its cluster makes in its place.
 *
 * @param clients What the clients are that log in by now, oldest first.
 * @returns nothing if the cluster makes none, since it is closed.
 */
export async function letClusterReplace(
  client: Client,
  clients: () => Iterable<Client>,
): Promise<Replacement | undefined> {
  const since = performance.now();
  const known = new Set(clients());
  client.disconnect();
  await reached(client, ['end']);
  for (;;) {
    // Others are told of the end after this.
    await setImmediate();
    const successor = [...clients()].find((each) => !known.has(each) && isClusterSubscriber(each));
    if (!successor) return undefined;
    known.add(successor);
    // If it cannot be connected, the cluster tries another node.
    if ((await reached(successor, ['ready', 'end'])) === 'end') continue;
    await repliesOf(successor);
    return { gap: performance.now() - since, delivery: 'at-most-once' };
  }
}

/** Resolves as soon as the client has one of these statuses. */
async function reached(client: Client, statuses: readonly string[]): Promise<string> {
  while (!statuses.includes(client.status)) {
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        for (const status of statuses) client.off(status, settle);
        resolve();
      };
      for (const status of statuses) client.once(status, settle);
    });
  }
  return client.status;
}
