import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import type { ConfiguredRedisOptions } from 'ioredis-azure';
import { REDIS_OPTIONS } from './redis.module';

@Controller('health')
export class HealthController {
  readonly #options: ConfiguredRedisOptions;

  constructor(@Inject(REDIS_OPTIONS) options: ConfiguredRedisOptions) {
    this.#options = options;
  }

  /** Answers 503 while the token has expired or a connection is not ready. */
  @Get()
  check(): object {
    const { expiresOn, connections } = this.#options.authenticator;
    const isHealthy = expiresOn > new Date() && connections.every(({ status }) => status === 'ready');
    if (!isHealthy) throw new ServiceUnavailableException({ expiresOn, connections });
    return { expiresOn, connections };
  }
}
