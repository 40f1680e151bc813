import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisError } from '../errors.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { MAX_TIMER_DELAY } from '../timing/timeouts.js';
import { TokenRequestError } from './token-request.js';

/** How attempts are made and retried. Times are in ms. */
export interface AttemptSettings {
  readonly acquireTimeout: number;
  /** `retries` limits the attempts at start-up only. */
  readonly retry: Backoff & { readonly retries: number };
}

/** The time by which each attempt after a failure may take longer than the one before it, in ms. */
const TIMEOUT_STEP = 5_000;

/** The longest time that an attempt may take, in ms, however many have failed. */
const LONGEST_TIMEOUT = 60_000;

/** The time that an attempt may take after this many failures in a row, in ms. */
export function attemptTimeout({ acquireTimeout }: AttemptSettings, failures: number): number {
  return Math.max(acquireTimeout, Math.min(LONGEST_TIMEOUT, acquireTimeout + failures * TIMEOUT_STEP));
}

/** The time until the identity service accepts another request, in ms. */
export function retryAfter(error: unknown): number {
  return error instanceof TokenRequestError ? Math.min(MAX_TIMER_DELAY, error.retryAfter) : 0;
}

/**
 * Makes the attempts at start-up, for which the application waits.
 *
 * @throws AzureRedisError at once when the identity service refuses permanently or returns an unusable token, otherwise
 *   after the last attempt.
 */
export async function acquireFirst<Result>(
  attempt: (timeout: number) => Promise<Result>,
  settings: AttemptSettings,
): Promise<Result> {
  // No timer of this package keeps a process alive, but a process that awaits its first token must not end without it.
  const keepAlive = setInterval(() => undefined, LONGEST_TIMEOUT);
  try {
    for (let failures = 0; ;) {
      try {
        return await attempt(attemptTimeout(settings, failures));
      } catch (error) {
        failures += 1;
        if (failures > settings.retry.retries || !isTransient(error)) throw error;
        await sleep(Math.max(retryAfter(error), backoffDelay(failures, settings.retry)));
      }
    }
  } finally {
    clearInterval(keepAlive);
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof AzureRedisError && error.code === 'TOKEN_UNAVAILABLE';
}
