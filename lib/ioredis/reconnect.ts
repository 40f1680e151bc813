import { internals, type Client } from './client.js';

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
    // Not by ioredis' timer, short as it is: a client that is disconnected while it waits for its next attempt to
    // connect never ends, and whoever waits for its end or its commands waits for ever.
    if (client.status === 'reconnecting' && !internals(client).manuallyClosing) connectNow(client);
  });
  client.disconnect(true);
}

/**
 * Connects a client at once that waits for its next attempt to connect.
 *
 * ioredis' own connect() leaves the timer of that attempt running. It would keep the process alive, and open a connection
 * for a client that may have ended by then.
 */
export function connectNow(client: Client): void {
  clearTimeout(internals(client).reconnectTimeout ?? undefined);
  // Whether it succeeds is told by the client's own events.
  client.connect().catch(() => undefined);
}
