import { Multiplexer, type ConfigureForAzureOptions } from 'ioredis-azure';

/**
 * One multiplexer for all invocations of an instance, connected by the first one. A client per invocation would add a TLS
 * handshake and a login to each, and exhaust the connections of the cache.
 */
export class SharedMultiplexer {
  readonly #options: () => ConfigureForAzureOptions;
  #multiplexer: Promise<Multiplexer> | undefined;

  /** @param options Called when it connects: a missing setting fails an invocation, not the start. */
  constructor(options: () => ConfigureForAzureOptions) {
    this.#options = options;
  }

  /** After a failure the next call connects again. @throws AzureRedisError if it cannot connect. */
  get(): Promise<Multiplexer> {
    this.#multiplexer ??= this.#connect().catch((error: unknown) => {
      this.#multiplexer = undefined;
      throw error;
    });
    return this.#multiplexer;
  }

  async close(): Promise<void> {
    const multiplexer = await this.#multiplexer?.catch(() => undefined);
    this.#multiplexer = undefined;
    await multiplexer?.close();
  }

  async #connect(): Promise<Multiplexer> {
    const multiplexer = await Multiplexer.connect({ ...this.#options(), commandTimeout: 5_000 });
    // Without a connection an invocation fails at once: on a cluster, `commandTimeout` does not limit the wait for one.
    multiplexer.interactive.options.enableOfflineQueue = false;
    // There is no invocation whose context could log these.
    multiplexer.on('error', ({ message, hint }) => {
      console.warn(message, hint);
    });
    multiplexer.authenticator.on('tokenRefreshFailed', ({ error: { message, hint } }) => {
      console.warn(message, hint);
    });
    return multiplexer;
  }
}
