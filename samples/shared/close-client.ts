import type { Cluster, Redis } from 'ioredis';

/** How long the replies in flight may take, in ms. */
const QUIT_TIMEOUT = 2_000;

/**
 * Closes a client after the replies in flight. `quit()` alone can wait forever or reject: while the cache is unreachable it
 * is queued behind the commands that wait for a connection.
 */
export async function closeClient(client: Redis | Cluster): Promise<void> {
  const disconnect = (): void => {
    client.disconnect();
  };
  if (client.status !== 'ready') {
    disconnect();
    return;
  }
  const deadline = setTimeout(disconnect, QUIT_TIMEOUT);
  await client.quit().catch(disconnect);
  clearTimeout(deadline);
}
