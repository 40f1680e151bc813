import { Router } from 'express';
import type { Multiplexer } from 'ioredis-azure';

/**
 * `/live` says whether the process has to be restarted, which no outage of the cache calls for; `/ready` whether it is to
 * get requests: not while the cache cannot be used, and no more once the process is stopping.
 */
export function healthRouter(multiplexer: Multiplexer, stopping: AbortSignal): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/live', (_request, response) => {
    response.json({ status: 'live' });
  });
  router.get('/ready', (_request, response) => {
    const { status, connections, authenticator } = multiplexer;
    const { username, expiresOn } = authenticator;
    const isReady = status === 'ready' && expiresOn > new Date() && !stopping.aborted;
    response.status(isReady ? 200 : 503).json({
      status: stopping.aborted ? 'stopping' : status,
      token: { username, expiresOn },
      connections,
    });
  });
  return router;
}
