import {
  BadRequestException,
  Controller,
  Inject,
  Param,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import { Redis } from 'ioredis';

const PAGE = /^[a-z0-9-]{1,64}$/;

@Controller('visits')
export class VisitsController {
  readonly #redis: Redis;

  constructor(@Inject(Redis) redis: Redis) {
    this.#redis = redis;
  }

  /** Counts a visit of a page. */
  @Post(':page')
  async add(@Param('page') page: string): Promise<{ page: string; visits: number }> {
    if (!PAGE.test(page))
      throw new BadRequestException('The page must consist of a to z, 0 to 9 and hyphens.');
    try {
      return { page, visits: await this.#redis.incr(`nestjs-sample:visits:${page}`) };
    } catch (error) {
      throw new ServiceUnavailableException('The service is unavailable. Retry.', { cause: error });
    }
  }
}
