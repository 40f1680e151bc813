import type { HttpHandler } from '@azure/functions';
import type { SharedMultiplexer } from './shared-multiplexer.js';

/** Responds 200 if the server, or each primary node of a cluster, answers; otherwise 503. */
export function createHealth(shared: SharedMultiplexer): HttpHandler {
  return async (_request, context) => {
    try {
      const multiplexer = await shared.get();
      if (!multiplexer.isConnected) throw new Error('There is no connection.');
      await multiplexer.ping();
      return { jsonBody: { status: 'healthy' } };
    } catch (error) {
      context.error('The cache does not answer.', error);
      return { status: 503, jsonBody: { status: 'unhealthy' } };
    }
  };
}
