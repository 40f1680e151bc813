import type { HttpHandler } from '@azure/functions';
import type { SharedClient } from './shared-client.js';

/** Responds 200 while the cache answers, otherwise 503. */
export function createHealth(client: SharedClient): HttpHandler {
  return async (_request, context) => {
    try {
      const redis = await client.get();
      await redis.ping();
      return { jsonBody: { status: 'healthy' } };
    } catch (error) {
      context.error('The cache does not answer.', error);
      return { status: 503, jsonBody: { status: 'unhealthy' } };
    }
  };
}
