import { createHash } from 'node:crypto';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { reportUnavailable, SessionsUnavailableError } from '../session/errors.js';
import type { RedisClient } from '../session/scripts.js';

/** In seconds. */
const WINDOW = 5 * 60;
const ATTEMPTS_PER_USER = 10;
const ATTEMPTS_PER_ADDRESS = 100;

export class TooManyAttemptsError extends Error {
  /** In seconds. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('Too many attempts to sign in.');
    this.retryAfter = retryAfter;
  }
}

/** Limits how many passwords can be tried, for one user and from one address. */
export class SignInAttempts {
  readonly #byUser: RateLimiterRedis;
  readonly #byAddress: RateLimiterRedis;

  constructor(redis: RedisClient, prefix: string) {
    const limits = { storeClient: redis, duration: WINDOW };
    this.#byUser = new RateLimiterRedis({
      ...limits,
      keyPrefix: `${prefix}sign-in-user`,
      points: ATTEMPTS_PER_USER,
    });
    this.#byAddress = new RateLimiterRedis({
      ...limits,
      keyPrefix: `${prefix}sign-in-address`,
      points: ATTEMPTS_PER_ADDRESS,
    });
  }

  /** @throws TooManyAttemptsError before the password is looked at. */
  async count(name: string, address: string): Promise<void> {
    await consume(this.#byAddress, address);
    await consume(this.#byUser, keyOf(name));
  }

  /** The user has signed in: mistakes before that do not count. */
  async forgive(name: string): Promise<void> {
    await reportUnavailable(this.#byUser.delete(keyOf(name)));
  }
}

async function consume(limiter: RateLimiterRedis, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw new SessionsUnavailableError(error);
    throw new TooManyAttemptsError(Math.ceil(error.msBeforeNext / 1000));
  }
}

/** People type a password in the wrong field. */
function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url');
}
