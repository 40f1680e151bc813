import express, { type Express, type RequestHandler } from 'express';
import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { networkOf } from './client-address.js';

/** @param proxies The number of proxies in front of the service, each of which adds an address to `X-Forwarded-For`. */
export function createApp(limiter: RateLimiterAbstract, proxies: number): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', proxies);
  app.use('/api', rateLimit(limiter));
  app.get('/api/time', (_request, response) => {
    response.set('Cache-Control', 'no-store').json({ time: new Date().toISOString() });
  });
  return app;
}

/**
 * Answers requests beyond the limit with 429. The headers `RateLimit-Policy` and `RateLimit` tell clients what they have left
 * (draft-ietf-httpapi-ratelimit-headers).
 */
function rateLimit(limiter: RateLimiterAbstract): RequestHandler {
  return async (request, response, next) => {
    const result = await consume(limiter, networkOf(request.ip ?? ''));
    const seconds = Math.ceil(result.msBeforeNext / 1_000);
    response.set('RateLimit-Policy', `"requests";q=${limiter.points};w=${limiter.duration}`);
    response.set('RateLimit', `"requests";r=${result.remainingPoints};t=${seconds}`);
    if (result.isAllowed) {
      next();
      return;
    }
    response
      .status(429)
      .set({ 'Retry-After': String(seconds), 'Cache-Control': 'no-store' })
      .type('application/problem+json')
      .json({ title: 'Too Many Requests', status: 429, detail: `Try again in ${seconds} s.` });
  };
}

/** The library rejects with the result when there is nothing left. */
async function consume(limiter: RateLimiterAbstract, client: string) {
  try {
    const { remainingPoints, msBeforeNext } = await limiter.consume(client);
    return { isAllowed: true, remainingPoints, msBeforeNext };
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    return { isAllowed: false, remainingPoints: error.remainingPoints, msBeforeNext: error.msBeforeNext };
  }
}
