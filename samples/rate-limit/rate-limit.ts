import type { Request, RequestHandler } from 'express';
import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';

export interface RateLimitOptions {
  /** The name of the limit in the headers. */
  readonly name: string;
  /** Whose requests are counted together. */
  readonly clientOf: (request: Request) => string;
}

/**
 * Answers requests beyond the limit with 429. The headers `RateLimit-Policy` and `RateLimit` tell clients what they have left
 * (draft-ietf-httpapi-ratelimit-headers).
 */
export function rateLimit(
  limiter: RateLimiterAbstract,
  { name, clientOf }: RateLimitOptions,
): RequestHandler {
  return async (request, response, next) => {
    const { isAllowed, remaining, seconds } = await consume(limiter, clientOf(request));
    response.set('RateLimit-Policy', `"${name}";q=${limiter.points};w=${limiter.duration}`);
    response.set('RateLimit', `"${name}";r=${remaining};t=${seconds}`);
    if (isAllowed) {
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

interface Consumption {
  readonly isAllowed: boolean;
  /** How many requests are left until the window ends. */
  readonly remaining: number;
  /** Until the window ends. */
  readonly seconds: number;
}

async function consume(limiter: RateLimiterAbstract, client: string): Promise<Consumption> {
  try {
    return { isAllowed: true, ...partsOf(await limiter.consume(client)) };
  } catch (error) {
    // The library rejects with the result when there is nothing left.
    if (error instanceof RateLimiterRes) return { isAllowed: false, ...partsOf(error) };
    throw error;
  }
}

function partsOf({ remainingPoints, msBeforeNext }: RateLimiterRes): Omit<Consumption, 'isAllowed'> {
  return { remaining: remainingPoints, seconds: Math.ceil(msBeforeNext / 1_000) };
}
