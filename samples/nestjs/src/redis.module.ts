import { Inject, Logger, Module } from '@nestjs/common';
import type { DynamicModule, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Redis } from 'ioredis';
import { configureForAzure, type ConfigureForAzureOptions, type ConfiguredRedisOptions } from 'ioredis-azure';

/** The token of the configured options, whose `authenticator` is the source of a health check. */
export const REDIS_OPTIONS = Symbol('the options of the Redis client');

/**
 * Provides a `Redis` client: `constructor(@Inject(Redis) private readonly redis: Redis) {}`.
 *
 * The application does not start without a token and a usable connection, and closes the connection after everything that
 * uses it.
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
    // ioredis reconnects by itself, and the authenticator retries: both are worth a line, and end nothing.
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
    // Nothing to close if it never connected.
    if (this.#redis.status !== 'end') await this.#redis.quit();
    this.#logger.log('Disconnected');
  }
}
