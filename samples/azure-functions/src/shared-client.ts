import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions } from 'ioredis-azure';

/**
 * One client for all invocations of this instance, created by the first of them. A client for each invocation would cost
 * each a TLS handshake and a login, and exhaust the connections of the cache.
 */
export class SharedClient {
  readonly #options: () => ConfigureForAzureOptions;
  #client: Promise<Redis> | undefined;

  /** @param options Read when a client is created, so that a missing setting fails an invocation and not the start. */
  constructor(options: () => ConfigureForAzureOptions) {
    this.#options = options;
  }

  /**
   * The client. After a failure, or once the client has ended, the next call creates another one.
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

  /** Waits for the replies in flight and closes the connection. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    const redis = await client?.catch(() => undefined);
    await redis?.quit();
  }

  async #create(): Promise<Redis> {
    const options = await configureForAzure({
      // An invocation fails in time, however long the cache is away.
      commandTimeout: 5_000,
      ...this.#options(),
    });
    options.authenticator.on('tokenRefreshFailed', ({ error }) => {
      console.warn(`Redis token not refreshed: ${error.message} ${error.hint}`);
    });
    const redis = new Redis(options);
    // ioredis reconnects automatically. No invocation has a context that could log this.
    redis.on('error', (error) => {
      console.warn(`Redis connection failed: ${error.message}`);
    });
    return redis;
  }
}
