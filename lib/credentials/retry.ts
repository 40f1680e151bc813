import { setTimeout as sleep } from 'node:timers/promises';
import pRetry, { type Options as RetryOptions } from 'p-retry';
import type { Backoff } from '../timing/backoff.js';
import { AzureRedisError } from '../errors.js';
import { TokenRequestError } from './token-request.js';

/** How attempts are made and retried. Times are in ms. */
export interface AttemptSettings {
  readonly acquireTimeout: number;
  readonly retry: RetryOptions & Backoff & { readonly retries: number };
}

/** By how much each attempt after a failure may take longer than the one before it, in ms. */
const TIMEOUT_STEP = 5_000;

/** The longest that one attempt may take, in ms, however many have failed. */
const LONGEST_TIMEOUT = 60_000;

/** How long an attempt may take after this many failures in a row, in ms. */
export function attemptTimeout({ acquireTimeout }: AttemptSettings, failures: number): number {
  return Math.max(acquireTimeout, Math.min(LONGEST_TIMEOUT, acquireTimeout + failures * TIMEOUT_STEP));
}

/** How long the identity service wants to be left alone, in ms. */
export function retryAfter(error: Error): number {
  return error instanceof TokenRequestError ? error.retryAfter : 0;
}

/**
 * Makes the attempts at start-up, which its caller waits for.
 *
 * @throws AzureRedisError at once when the identity service definitely refuses or gives what cannot be used, and
 *   after the last attempt otherwise.
 */
export async function acquireFirst<Result>(
  attempt: (timeout: number) => Promise<Result>,
  settings: AttemptSettings,
): Promise<Result> {
  // No timer of ours keeps a process alive, but one that awaits its first login must not end before it has it.
  const keepAlive = setInterval(() => undefined, LONGEST_TIMEOUT);
  const { shouldRetry, onFailedAttempt, ...retry } = settings.retry;
  try {
    return await pRetry((number) => attempt(attemptTimeout(settings, number - 1)), {
      ...retry,
      shouldRetry: async (context) =>
        isTransient(context.error) && (shouldRetry === undefined || (await shouldRetry(context))),
      async onFailedAttempt(context) {
        await onFailedAttempt?.(context);
        const pause = retryAfter(context.error);
        if (pause > 0 && context.retriesLeft > 0) await sleep(pause);
      },
    });
  } finally {
    clearInterval(keepAlive);
  }
}

function isTransient(error: Error): boolean {
  return error instanceof AzureRedisError && error.code === 'TOKEN_UNAVAILABLE';
}
