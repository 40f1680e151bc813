import { Inject, Logger, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions, type ConfiguredRedisOptions } from 'ioredis-azure';

/** The injection token of the configured options. Health checks use their `authenticator`. */
export const REDIS_OPTIONS = Symbol('the options of the Redis client');

/**
 * Provides a `Redis` client: `constructor(@Inject(Redis) private readonly redis: Redis) {}`.
 *
 * The application starts only with a token and a connection, and closes the connection after all other modules.
 */
@Module({})
export class RedisModule implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(RedisModule.name);
  readonly #redis: Redis;
  readonly #options: ConfiguredRedisOptions;

  constructor(@Inject(Redis) redis: Redis, @Inject(REDIS_OPTIONS) options: ConfiguredRedisOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  /** Import it once, in the root module. */
  static forRoot(options: () => ConfigureForAzureOptions): DynamicModule {
    return {
      module: RedisModule,
      global: true,
      providers: [
        { provide: REDIS_OPTIONS, useFactory: () => configureForAzure(options()) },
        {
          provide: Redis,
          inject: [REDIS_OPTIONS],
          useFactory: (configured: ConfiguredRedisOptions) => new Redis({ ...configured, lazyConnect: true }),
        },
      ],
      exports: [REDIS_OPTIONS, Redis],
    };
  }

  async onModuleInit(): Promise<void> {
    const { authenticator } = this.#options;
    // ioredis reconnects and the authenticator retries automatically.
    this.#redis.on('error', (error) => {
      this.#logger.warn(`Connection failed: ${error.message}`);
    });
    authenticator.on('tokenRefreshFailed', ({ error }) => {
      this.#logger.warn(`Token not refreshed: ${error.message} ${error.hint}`);
    });
    await this.#redis.connect();
    this.#logger.log(`Connected as ${authenticator.username}`);
  }

  async onApplicationShutdown(): Promise<void> {
    const disconnect = (): void => {
      this.#redis.disconnect();
    };
    // Without a connection, QUIT would be queued behind the commands that wait for one.
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(disconnect);
    else disconnect();
    this.#logger.log('Disconnected');
  }
}
