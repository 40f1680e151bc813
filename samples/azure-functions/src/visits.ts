import type { HttpHandler } from '@azure/functions';
import type { SharedMultiplexer } from './shared-multiplexer.js';

const PAGE = /^[a-z0-9-]{1,64}$/;

/** How long a visit counts after the last one of its page, in s. */
const LIFETIME = 24 * 60 * 60;

/** Counts a visit of `{page}` and returns the number of visits. */
export function createVisits(shared: SharedMultiplexer, prefix: string): HttpHandler {
  return async ({ params: { page = '' } }, context) => {
    if (!PAGE.test(page)) {
      return { status: 400, jsonBody: { error: 'A page consists of a to z, 0 to 9 and hyphens.' } };
    }
    try {
      const { interactive: redis } = await shared.get();
      const key = `${prefix}visits:${page}`;
      // An element of a set, not INCR: ioredis sends a command again whose connection is lost, and INCR would count twice.
      await redis.sadd(key, context.invocationId);
      await redis.expire(key, LIFETIME);
      return { jsonBody: { page, visits: await redis.scard(key) } };
    } catch (error) {
      context.error('The visit was not counted.', error);
      return {
        status: 503,
        headers: { 'Retry-After': '1' },
        jsonBody: { error: 'The service is unavailable. Retry.' },
      };
    }
  };
}
