import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';

export interface LimiterOptions {
  /** How many requests a client may make in a window. */
  readonly points: number;
  /** The length of the window, in s. */
  readonly duration: number;
}

/**
 * Counts in Redis, for all processes. While the cache is down each process counts by itself: the service continues, and no
 * client gets more than the limit from one process.
 */
export function createLimiter(redis: Redis, { points, duration }: LimiterOptions): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: 'rate-limit',
    points,
    duration,
    // A client that has nothing left is refused without asking the cache, which a flood would burden.
    inMemoryBlockOnConsumed: points,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ keyPrefix: 'rate-limit', points, duration }),
  });
}
