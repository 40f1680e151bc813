import { MAX_TIMER_DELAY } from './timeouts.js';

/** The reason with which a wait ends whose signal has closed. One for all: nobody reads its stack. */
export const closedBySignal = new Error('The wait has ended with its signal.');

/** Handles the error of work that ends with a signal. */
export function ignoreClosed(error: unknown): void {
  if (error !== closedBySignal) throw error;
}

/** Is told once that a signal has closed. */
interface CloseListener {
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

/** A wait that ends with a signal, and leaves nothing behind. */
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
  return timedWait(ms, undefined, signal).promise;
}

/** Whether `promise` settles within `ms`; rejects with {@link closedBySignal} as soon as the signal closes. */
export function settlesWithin(
  ms: number,
  promise: Promise<unknown>,
  signal = new CloseSignal(),
): Promise<boolean> {
  const wait = timedWait(ms, false, signal);
  const settled = (): void => {
    wait.end(true);
  };
  promise.then(settled, settled);
  return wait.promise;
}

/** A wait that ends with `result` after `ms`. */
function timedWait<Result>(ms: number, result: Result, signal: CloseSignal): Wait<Result> {
  // A process that was busy or suspended may have received what is awaited already: handle its input first.
  const late = (): unknown =>
    setImmediate(() => {
      wait.end(result);
    });
  const timer = setTimeout(late, Math.min(MAX_TIMER_DELAY, ms)).unref();
  const wait = new Wait<Result>(signal, () => {
    clearTimeout(timer);
  });
  return wait;
}
