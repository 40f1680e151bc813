import { succeeded } from '../ioredis/cluster-subscriptions.js';
import type { Client } from '../ioredis/client.js';
import { settlesWithin } from '../timing/timeouts.js';
import type { Replacement } from './events.js';

/** How long a cluster may take to replace a client that has ended, in ms. */
const SUCCESSION_TIMEOUT = 10_000;

/**
 * Ends a client that a cluster uses for its subscriptions: the cluster creates another one, on the node that serves the
 * channels by then, and subscribes it to them. The client itself must not reconnect, since its node may be lost.
 *
 * @returns Resolves to `undefined` if its cluster does not succeed, because it is closed, or the server refuses a channel.
 */
export async function replaceClusterSubscriber(client: Client): Promise<Replacement | undefined> {
  const since = performance.now();
  const success = succeeded(client);
  client.disconnect();
  if (!success || !(await settlesWithin(SUCCESSION_TIMEOUT, success))) return undefined;
  return { gap: Math.round(performance.now() - since), delivery: 'best-effort' };
}
