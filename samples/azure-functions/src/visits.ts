import type { HttpHandler } from '@azure/functions';
import type { SharedClient } from './shared-client.js';

const PAGE = /^[a-z0-9-]{1,64}$/;

/** Counts a visit of `{page}` and returns the number of visits. */
export function createVisits(client: SharedClient): HttpHandler {
  return async ({ params: { page = '' } }, context) => {
    if (!PAGE.test(page)) {
      return { status: 400, jsonBody: { error: 'The page must consist of a to z, 0 to 9 and hyphens.' } };
    }
    try {
      const redis = await client.get();
      return { jsonBody: { page, visits: await redis.incr(`functions-sample:visits:${page}`) } };
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
