import type { GetTokenOptions } from '@azure/core-auth';
import { assertOption, checkFields, isDuration } from '../lib/validation.js';
import { AbortError, throttled, unreachable } from './identity-errors.js';

type Fault =
  | { readonly kind: 'none' | 'hanging' }
  | { readonly kind: 'failing'; readonly error: () => Error }
  | { readonly kind: 'slow'; readonly delay: number };

type Signal = NonNullable<GetTokenOptions['abortSignal']>;

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertDelay(ms: unknown): asserts ms is number {
  assertOption(isDuration(ms), 'ms', ms, 'a number of milliseconds from 0');
}

/** @throws AzureRedisError `INVALID_OPTION` */
export function checkRetryAfter(options: unknown): number | Date {
  const { retryAfter } = checkFields('options', options, ['retryAfter']);
  if (retryAfter instanceof Date && !Number.isNaN(retryAfter.getTime())) return retryAfter;
  assertOption(
    isDuration(retryAfter),
    'retryAfter',
    retryAfter,
    'a number of milliseconds from 0, or a Date',
  );
  return retryAfter;
}

/** The simulated state of the identity service, which every token request passes first. */
export class IdentityService {
  #fault: Fault = { kind: 'none' };
  #stopped = false;
  readonly #waiting = new Set<() => void>();

  /** Requests fail immediately. */
  fail(error: Error | undefined): void {
    assertOption(error === undefined || error instanceof Error, 'error', error, 'an Error');
    this.#fault = { kind: 'failing', error: () => error ?? unreachable() };
  }

  throttle(retryAfter: number | Date): void {
    this.#fault = { kind: 'failing', error: () => throttled(retryAfter) };
  }

  /** Delays replies by this time, in ms. */
  slow(delay: number): void {
    assertDelay(delay);
    this.#fault = { kind: 'slow', delay };
  }

  /** Requests are not answered, even after the service is restored. */
  hang(): void {
    this.#fault = { kind: 'hanging' };
  }

  restore(): void {
    this.#fault = { kind: 'none' };
  }

  /** Ends all pending requests. */
  stop(): void {
    this.#stopped = true;
    for (const abort of this.#waiting) abort();
  }

  /** Resolves when a request made now is answered; rejects when it fails or the caller's signal aborts. */
  async answer(signal?: Signal): Promise<void> {
    if (signal?.aborted === true || this.#stopped) throw new AbortError();
    const fault = this.#fault;
    if (fault.kind === 'failing') throw fault.error();
    if (fault.kind === 'hanging') await this.#wait(undefined, signal);
    if (fault.kind === 'slow') await this.#wait(fault.delay, signal);
  }

  #wait(delay: number | undefined, signal: Signal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#waiting.delete(abort);
        outcome();
      };
      const abort = () => {
        end(() => {
          reject(new AbortError());
        });
      };
      const timer = delay === undefined ? undefined : setTimeout(end, delay, resolve);
      signal?.addEventListener('abort', abort);
      this.#waiting.add(abort);
    });
  }
}
