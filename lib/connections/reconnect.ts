import type { Client } from './client.js';

/**
 * Closes a client's connection and opens a new one at once, whatever the client's own retry strategy is: this is no
 * failure, and nothing that waits is to be rejected for it.
 *
 * The connection is half-closed: what the server has received is answered before it goes.
 */
export function reconnect(client: Client): void {
  const { options } = client;
  const { retryStrategy, maxRetriesPerRequest } = options;
  options.retryStrategy = () => 0;
  options.maxRetriesPerRequest = null;
  client.once('close', () => {
    options.retryStrategy = retryStrategy;
    options.maxRetriesPerRequest = maxRetriesPerRequest;
  });
  client.disconnect(true);
}
