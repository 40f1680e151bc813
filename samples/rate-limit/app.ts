import express, { type ErrorRequestHandler, type Express } from 'express';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { clientAddress } from './client-address.js';
import { rateLimit } from './rate-limit.js';

export interface AppOptions {
  readonly limiter: RateLimiterAbstract;
  /** The number of proxies before the service, which tell it the address of the client (`X-Forwarded-For`). */
  readonly proxies: number;
}

export function createApp({ limiter, proxies }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', proxies);

  app.use('/api', rateLimit(limiter, { name: 'requests', clientOf: ({ ip = '' }) => clientAddress(ip) }));
  app.get('/api/time', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ time: new Date().toISOString() });
  });

  app.use(((error: unknown, _request, response, next) => {
    console.error(error);
    if (response.headersSent) next(error);
    else response.status(500).json({ title: 'Internal Server Error', status: 500 });
  }) satisfies ErrorRequestHandler);
  return app;
}
