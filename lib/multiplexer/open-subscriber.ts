import type { Cluster, Redis } from 'ioredis';
import type { Authenticator } from '../authenticator.js';
import type { ManagedClient } from '../connection/managed-client.js';
import type { ReplaceClient } from '../connection/replacer.js';
import { connectTimeoutOf } from '../ioredis/client.js';
import { settlesWithin } from '../timing/timeouts.js';
import { connectionFailed } from './errors.js';
import type { InteractiveConnection } from './interactive-connection.js';
import { end, ready } from './lifecycle.js';
import { SubscriberConnection, type ReceiveMessage } from './subscriber-connection.js';
import type { Topology } from './topology.js';

/** The dependencies of subscriber connections. */
export interface SubscriberConnectionParts {
  readonly topology: Topology<Redis | Cluster>;
  readonly interactive: InteractiveConnection<Redis | Cluster>;
  readonly authenticator: Authenticator;
}

/**
 * Opens a connection for subscriptions: the interactive one if it speaks RESP3, otherwise a new one.
 *
 * @param replace Called with a client that cannot be re-authenticated, instead of connecting it again.
 * @param signal Aborts the attempt.
 * @throws AzureRedisError; nothing is left open.
 */
export async function openSubscriberConnection(
  { topology, interactive, authenticator }: SubscriberConnectionParts,
  receive: ReceiveMessage,
  replace: (client: Redis) => ReturnType<ReplaceClient>,
  signal: AbortSignal,
): Promise<SubscriberConnection> {
  const { shared } = topology;
  if (shared && interactive.protocol === 3) {
    await ready(shared);
    // A connection that has just been restored may have negotiated another protocol.
    if (negotiatedResp3(interactive)) {
      // The application owns this client: it ends it, and chooses how long to wait for replies.
      const control = { end: () => Promise.resolve(), unresponsive: () => undefined };
      return new SubscriberConnection(shared, authenticator.managedClientOf(shared), control, receive);
    }
  }
  const client = topology.createSubscriber();
  const managed = authenticator.managedClientOf(client);
  managed.delegateReplacement(() => replace(client));
  return connectSubscriber(client, managed, receive, signal);
}

function negotiatedResp3({ protocol }: InteractiveConnection<Redis | Cluster>): boolean {
  return protocol === 3;
}

async function connectSubscriber(
  client: Redis,
  managed: ManagedClient,
  receive: ReceiveMessage,
  signal: AbortSignal,
): Promise<SubscriberConnection> {
  // One for the token, one for the socket, one for the login.
  const timeout = 3 * connectTimeoutOf(client.options);
  let lastError: unknown;
  client.on('error', (error) => {
    lastError = error;
  });
  const abort = (): void => {
    client.disconnect();
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    if (!(await settlesWithin(timeout, client.connect()))) throw new Error('connect ETIMEDOUT');
    signal.throwIfAborted();
  } catch (error) {
    await end(client);
    throw connectionFailed(lastError ?? error);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return new SubscriberConnection(
    client,
    managed,
    {
      end: () => end(client),
      unresponsive: () => {
        client.disconnect();
      },
    },
    receive,
  );
}
