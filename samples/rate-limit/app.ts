import express, { type Express } from 'express';
import type { RateLimiterAbstract } from 'rate-limiter-flexible';
import { errorHandler } from '../shared/error-handler.js';
import { clientAddress } from './client-address.js';
import { rateLimit } from './rate-limit.js';

export interface AppOptions {
  readonly limiter: RateLimiterAbstract;
  /** The number of trusted proxies in front of the service, which set `X-Forwarded-For`. */
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

  app.use(errorHandler);
  return app;
}
