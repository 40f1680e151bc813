import { setTimeout as sleep } from 'node:timers/promises';
import { createDebugLog } from '../diagnostics.js';
import { AzureRedisError, type AzureRedisErrorCode } from '../errors.js';
import { TokenRequestError } from '../identities/identity-errors.js';
import { backoffDelay, type Backoff } from '../timing/backoff.js';
import { raceSignal } from '../timing/timeouts.js';
import type { Token } from './token.js';

/** The share of its lifetime by which a token may be refreshed early, so that a fleet does not refresh as one. */
export const REFRESH_JITTER = 0.05;

/** The share of a token's lifetime after which a refresh could come too late for the connections. */
const LATEST_REFRESH = 0.9;

/** For how long before its expiry @azure/msal-node and @azure/core-rest-pipeline no longer serve a cached token, in ms. */
const CACHE_MARGIN = 5 * 60_000;

/** The shortest time between two requests for a token, in ms, whatever the identity library answers. */
const MIN_REQUEST_INTERVAL = 1_000;

/** The same where a second is long: a token lives for less than four, or the service is out and connections wait for it. */
const MIN_URGENT_INTERVAL = 400;

/** The share of a token's time within which another request is made at the latest: the next token must not arrive too late. */
const MAX_WAIT_SHARE = 1 / 4;

/** The shortest time between a request that was answered with this token and the next one, in ms. */
export function minRequestInterval({ lifetime }: Token): number {
  return Math.min(MIN_REQUEST_INTERVAL, Math.max(MIN_URGENT_INTERVAL, lifetime * MAX_WAIT_SHARE));
}

/** For how long after a failure connections that wait cause no other request, in ms. */
export function pauseAfterFailure(code: AzureRedisErrorCode): number {
  return code === 'TOKEN_UNAVAILABLE' ? MIN_URGENT_INTERVAL : MIN_REQUEST_INTERVAL;
}

/**
 * When to request the token after this one, in ms since 1970: at the time that the token advises, else when `ratio` of
 * its lifetime is spent.
 */
export function refreshTime(token: Token, ratio: number): number {
  const { acquiredOn, lifetime, refreshAfter } = token;
  const advised = refreshAfter && Math.min(refreshAfter, acquiredOn + lifetime * LATEST_REFRESH);
  const due = (advised ?? acquiredOn + lifetime * ratio) - Math.random() * REFRESH_JITTER * lifetime;
  return Math.max(acquiredOn + minRequestInterval(token), due);
}

/**
 * When to request again after the identity library has answered with the current token.
 *
 * The library can have a newer one at the advised time or once its caching margin is reached. For a library that follows
 * neither, requesting again whenever a quarter of the remaining time has passed finds the new token in time.
 */
export function nextPoll(token: Token, now: number): number {
  const expected = [token.refreshAfter, token.expiresOn - CACHE_MARGIN].filter(
    (time): time is number => time !== undefined && time > now,
  );
  const latest = now + (token.expiresOn - now) * MAX_WAIT_SHARE;
  return Math.max(now + minRequestInterval(token), Math.min(latest, ...expected));
}

/**
 * How long to wait after this many failures in a row, in ms, with a token that has `remaining` ms to live. The closer its
 * expiry, the more often: the next token must not arrive too late.
 */
export function retryWait(failures: number, remaining: number, backoff: Backoff): number {
  const urgency = Math.max(0, remaining * MAX_WAIT_SHARE);
  return Math.max(MIN_REQUEST_INTERVAL, Math.min(urgency, backoffDelay(failures, backoff)));
}

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
