import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions } from 'ioredis-azure';

/**
 * One client for all invocations of an instance, created by the first invocation. A client per invocation would add a TLS
 * handshake and a login to each of them, and exhaust the connections of the cache.
 */
export class SharedClient {
  readonly #options: () => ConfigureForAzureOptions;
  #client: Promise<Redis> | undefined;

  /** @param options Called when a client is created: a missing setting fails an invocation, not the start. */
  constructor(options: () => ConfigureForAzureOptions) {
    this.#options = options;
  }

  /**
   * The client. After a failure, or after the client has ended, the next call creates another one.
   *
   * @throws AzureRedisError if the settings are invalid, or no token is acquired.
   */
  get(): Promise<Redis> {
    if (this.#client) return this.#client;
    const client = this.#create();
    const forget = (): void => {
      if (this.#client === client) this.#client = undefined;
    };
    client.then((redis) => redis.once('end', forget), forget);
    this.#client = client;
    return client;
  }

  /** Closes the connection after the replies in flight. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    const redis = await client?.catch(() => undefined);
    const disconnect = (): void => {
      redis?.disconnect();
    };
    // Without a connection, QUIT would be queued behind the commands that wait for one.
    if (redis?.status === 'ready') await redis.quit().catch(disconnect);
    else disconnect();
  }

  async #create(): Promise<Redis> {
    const options = await configureForAzure({
      // While the cache is unreachable, an invocation fails after this time.
      commandTimeout: 5_000,
      ...this.#options(),
    });
    options.authenticator.on('tokenRefreshFailed', ({ error }) => {
      console.warn(`Redis token not refreshed: ${error.message} ${error.hint}`);
    });
    const redis = new Redis(options);
    // ioredis reconnects automatically. There is no invocation whose context could log this.
    redis.on('error', (error) => {
      console.warn(`Redis connection failed: ${error.message}`);
    });
    return redis;
  }
}
