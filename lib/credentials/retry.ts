import { setTimeout as sleep } from 'node:timers/promises';
import { createDebugLog } from '../diagnostics.js';
import { AzureRedisError } from '../errors.js';
import { TokenRequestError } from '../identities/identity-errors.js';
import type { Backoff } from '../timing/backoff.js';
import { raceSignal } from '../timing/timeouts.js';

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

/** The longest `Retry-After` that is waited for at start-up, in ms. */
const LONGEST_WAIT = 60_000;

const debug = createDebugLog('ioredis-azure:authenticator');

/** The time that an attempt may take after this many failures in a row, in ms. */
export function attemptTimeout({ acquireTimeout }: AttemptSettings, failures: number): number {
  return Math.max(acquireTimeout, Math.min(LONGEST_TIMEOUT, acquireTimeout + failures * TIMEOUT_STEP));
}

/** The time until the identity service accepts another request, in ms. */
export function retryAfter(error: unknown): number {
  return error instanceof TokenRequestError ? error.retryAfter : 0;
}

/**
 * Makes the attempts at start-up, for which the application waits.
 *
 * @throws AzureRedisError at once when the identity service refuses permanently, asks for a pause of more than a minute, or
 *   returns an unusable token; otherwise after the last attempt. The reason of `signal` once it is aborted.
 */
export async function acquireFirst<Result>(
  attempt: (timeout: number) => Promise<Result>,
  settings: AttemptSettings,
  signal: AbortSignal = new AbortController().signal,
): Promise<Result> {
  const { default: pRetry } = await import('p-retry');
  let acceptedAt = 0;
  // No timer of this package keeps a process alive, but a process that awaits its first token must not end without it.
  const keepAlive = setInterval(() => undefined, LONGEST_TIMEOUT);
  try {
    return await pRetry(
      async (number) => {
        // Until now it has waited for the backoff: the longer of the two counts, not their sum.
        const pause = acceptedAt - performance.now();
        if (pause > 0) await sleep(pause, undefined, { signal });
        return await raceSignal(attempt(attemptTimeout(settings, number - 1)), signal);
      },
      {
        ...settings.retry,
        signal,
        shouldRetry: ({ error }) => isRetried(error),
        onFailedAttempt: ({ error, attemptNumber, retriesLeft }) => {
          acceptedAt = performance.now() + retryAfter(error);
          if (attemptNumber === 1 && retriesLeft > 0 && isRetried(error)) reportFirstFailure(error);
        },
      },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(keepAlive);
  }
}

function isRetried(error: Error): error is AzureRedisError {
  const isTransient = error instanceof AzureRedisError && error.code === 'TOKEN_UNAVAILABLE';
  return isTransient && retryAfter(error) <= LONGEST_WAIT;
}

/** Nobody can listen to an authenticator yet, and the last attempt may end minutes later. */
function reportFirstFailure({ message, hint, code }: AzureRedisError): void {
  const warning = `The first attempt failed and is retried: ${message}`;
  debug('%s', warning);
  process.emitWarning(warning, { type: 'IoredisAzureWarning', code, detail: hint });
}
