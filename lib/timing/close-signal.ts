import { MAX_TIMER_DELAY } from './timeouts.js';

/** The reason with which a wait ends whose signal has closed. One for all: nobody reads its stack. */
export const closedBySignal = new Error('The wait has ended with its signal.');

/** Is told once that a signal has closed. */
export interface CloseListener {
  signalClosed(): void;
}

/**
 * Tells that something has closed, once. A process may hold thousands: an AbortController with a listener takes 1 KiB,
 * this 60 bytes.
 */
export class CloseSignal {
  #closed = false;
  // Nearly always the only one: a Set for it would take three times as much as the signal itself.
  #listener: CloseListener | undefined;
  #others: Set<CloseListener> | undefined;

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls `listener` when the signal closes, at once if it has. Returns a function that removes it. */
  onClose(listener: () => void): () => void {
    const added = { signalClosed: listener };
    this.add(added);
    return () => {
      this.delete(added);
    };
  }

  add(listener: CloseListener): void {
    if (this.#closed) listener.signalClosed();
    else if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  delete(listener: CloseListener): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  close(): void {
    this.#closed = true;
    const [first, others] = [this.#listener, this.#others];
    this.#listener = undefined;
    this.#others = undefined;
    first?.signalClosed();
    for (const listener of others ?? []) listener.signalClosed();
  }
}

/** A wait that ends with a signal that has not closed, and leaves nothing behind. */
export class Wait<Result> implements CloseListener {
  /** Rejects with {@link closedBySignal} as soon as the signal closes. */
  readonly promise: Promise<Result>;
  readonly #signal: CloseSignal;
  readonly #onEnd: (wait: Wait<Result>) => void;
  #resolve!: (result: Result) => void;
  #reject!: (reason: Error) => void;

  /** @param onEnd Is called when the wait ends, whatever ends it. */
  constructor(signal: CloseSignal, onEnd: (wait: Wait<Result>) => void) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    this.#onEnd = onEnd;
    signal.add(this);
  }

  end(result: Result): void {
    this.#signal.delete(this);
    this.#onEnd(this);
    this.#resolve(result);
  }

  signalClosed(): void {
    this.#onEnd(this);
    this.#reject(closedBySignal);
  }
}

/**
 * Waits for `ms`, at most for the longest delay of a timer; rejects with {@link closedBySignal} as soon as the signal
 * closes. The timer does not keep the process alive.
 */
export function pause(ms: number, signal: CloseSignal): Promise<void> {
  if (signal.closed) return Promise.reject(closedBySignal);
  const timer = setTimeout(
    () => {
      wait.end();
    },
    Math.min(MAX_TIMER_DELAY, ms),
  );
  timer.unref();
  const wait = new Wait<void>(signal, () => {
    clearTimeout(timer);
  });
  return wait.promise;
}

/** Whether `promise` settles within `ms`; rejects with {@link closedBySignal} as soon as the signal closes. */
export function settlesBefore(ms: number, promise: Promise<unknown>, signal: CloseSignal): Promise<boolean> {
  if (signal.closed) return Promise.reject(closedBySignal);
  // A process that was busy or suspended may have received the result already: handle its input first.
  const timer = setTimeout(
    () =>
      setImmediate(() => {
        wait.end(false);
      }),
    Math.min(MAX_TIMER_DELAY, ms),
  );
  timer.unref();
  const wait = new Wait<boolean>(signal, () => {
    clearTimeout(timer);
  });
  const settled = (): void => {
    wait.end(true);
  };
  promise.then(settled, settled);
  return wait.promise;
}
