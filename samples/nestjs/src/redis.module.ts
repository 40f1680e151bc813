import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Multiplexer, type ConfigureForAzureOptions } from 'ioredis-azure';

/** The injection token of the beginning of all keys. */
export const PREFIX = Symbol('prefix');

/**
 * Provides a connected `Multiplexer`: `constructor(@Inject(Multiplexer) multiplexer: Multiplexer) {}`. It is closed after all
 * other modules.
 */
@Module({})
export class RedisModule implements OnApplicationShutdown {
  readonly #multiplexer: Multiplexer;

  constructor(@Inject(Multiplexer) multiplexer: Multiplexer) {
    this.#multiplexer = multiplexer;
  }

  /** Import it once, in the root module. */
  static forRoot(options: ConfigureForAzureOptions, prefix: string): DynamicModule {
    return {
      module: RedisModule,
      global: true,
      providers: [
        { provide: PREFIX, useValue: prefix },
        // Nest waits: the application starts only with a connection that is logged in.
        { provide: Multiplexer, useFactory: () => connect(options) },
      ],
      exports: [PREFIX, Multiplexer],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#multiplexer.close();
  }
}

async function connect(options: ConfigureForAzureOptions): Promise<Multiplexer> {
  const multiplexer = await Multiplexer.connect({ ...options, commandTimeout: 2_000 });
  // Without a connection a request fails at once: on a cluster, `commandTimeout` does not limit the wait for one.
  multiplexer.interactive.options.enableOfflineQueue = false;
  return multiplexer;
}
