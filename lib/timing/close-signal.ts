import { MAX_TIMER_DELAY } from './timeouts.js';

/** The reason with which a wait ends whose signal has closed. One for all: nobody reads its stack. */
export const closedBySignal = new Error('The wait has ended with its signal.');

/**
 * Tells that something has closed, once. A process may hold thousands: an AbortController with its listeners takes 1.5 KiB,
 * this a tenth of it.
 */
export class CloseSignal {
  #closed = false;
  // Most signals never have a listener, or one at a time.
  #listeners: Set<() => void> | undefined;

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `listener` when the signal closes, at once if it has. Returns a function that removes it. */
  onClose(listener: () => void): () => void {
    if (this.#closed) {
      listener();
      return () => undefined;
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  close(): void {
    this.#closed = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }
}

/**
 * Resolves as soon as `subscribe` says so, and rejects with {@link closedBySignal} as soon as the signal closes. Leaves
 * nothing behind in either.
 *
 * @param subscribe Is given the function to call with the result, later; returns the function that gives up.
 */
export function untilClosed<Result>(
  signal: CloseSignal,
  subscribe: (resolve: (result: Result) => void) => () => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal.closed) {
      reject(closedBySignal);
      return;
    }
    const unsubscribe = subscribe((result) => {
      unsubscribe();
      removeListener();
      resolve(result);
    });
    const removeListener = signal.onClose(() => {
      unsubscribe();
      reject(closedBySignal);
    });
  });
}

/**
 * Waits for `ms`, at most for the longest delay of a timer; rejects with {@link closedBySignal} as soon as the signal
 * closes. The timer does not keep the process alive.
 */
export function pause(ms: number, signal: CloseSignal): Promise<void> {
  return untilClosed(signal, (resolve) => {
    const timer = setTimeout(resolve, Math.min(MAX_TIMER_DELAY, ms));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  });
}

/** Whether `promise` settles within `ms`; rejects with {@link closedBySignal} as soon as the signal closes. */
export function settlesBefore(ms: number, promise: Promise<unknown>, signal: CloseSignal): Promise<boolean> {
  return untilClosed(signal, (resolve) => {
    const timer = setTimeout(
      () => {
        // A process that was busy or suspended may have received the result already: handle its input first.
        setImmediate(resolve, false);
      },
      Math.min(MAX_TIMER_DELAY, ms),
    );
    timer.unref();
    const settled = (): void => {
      resolve(true);
    };
    promise.then(settled, settled);
    return () => {
      clearTimeout(timer);
    };
  });
}
