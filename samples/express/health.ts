import { Router } from 'express';
import type { Multiplexer } from 'ioredis-azure';

/**
 * `/live` says whether the process has to be restarted, which no outage of the cache calls for; `/ready` whether it is to get
 * requests: not while commands fail, and no more once it stops.
 */
export function health(multiplexer: Multiplexer, stopping: AbortSignal): Router {
  const router = Router();
  router.get('/live', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ status: 'live' });
  });
  router.get('/ready', async (_request, response) => {
    const { connections, authenticator } = multiplexer;
    // Rejects if the server, or a primary node of a cluster, does not answer.
    const answers =
      multiplexer.isConnected && (await multiplexer.ping().catch(() => undefined)) !== undefined;
    const isReady = answers && !stopping.aborted;
    response
      .status(isReady ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({ isReady, expiresOn: authenticator.expiresOn, connections });
  });
  return router;
}
