import { randomUUID } from 'node:crypto';
import {
  BadRequestException,
  Controller,
  Inject,
  Param,
  Post,
  ServiceUnavailableException,
} from '@nestjs/common';
import { Multiplexer } from 'ioredis-azure';
import { PREFIX } from './redis.module';

const PAGE = /^[a-z0-9-]{1,64}$/;

/** How long a visit counts after the last one of its page, in s. */
const LIFETIME = 24 * 60 * 60;

@Controller('visits')
export class VisitsController {
  readonly #multiplexer: Multiplexer;
  readonly #prefix: string;

  constructor(@Inject(Multiplexer) multiplexer: Multiplexer, @Inject(PREFIX) prefix: string) {
    this.#multiplexer = multiplexer;
    this.#prefix = prefix;
  }

  /** Counts a visit of a page. */
  @Post(':page')
  async add(@Param('page') page: string): Promise<{ page: string; visits: number }> {
    if (!PAGE.test(page)) throw new BadRequestException('A page consists of a to z, 0 to 9 and hyphens.');
    const { interactive: redis } = this.#multiplexer;
    const key = `${this.#prefix}visits:${page}`;
    try {
      // An element of a set, not INCR: ioredis sends a command again whose connection is lost, and INCR would count twice.
      await redis.sadd(key, randomUUID());
      await redis.expire(key, LIFETIME);
      return { page, visits: await redis.scard(key) };
    } catch (error) {
      throw new ServiceUnavailableException('The service is unavailable. Retry.', { cause: error });
    }
  }
}
