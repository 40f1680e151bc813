/** The longest delay of a Node.js timer, in ms; a longer one fires at once. */
export const MAX_TIMER_DELAY = 2 ** 31 - 1;

/** The last time that a Date can represent, in ms since 1970. */
export const END_OF_TIME = 8.64e15;

/** A time in ms since 1970 as a Date; it may be `Infinity`, as for an access key. */
export function dateOf(time: number): Date {
  return new Date(Math.min(END_OF_TIME, time));
}

/**
 * A point in time that has passed as soon as either clock says so. The monotonic clock stands still while the machine is
 * suspended; the wall clock can be set back. Neither alone would detect every expiry of a token.
 */
export class Deadline {
  /** In ms since 1970. */
  readonly time: number;
  readonly #monotonic: number;

  constructor(time: number) {
    this.time = time;
    this.#monotonic = performance.now() + (time - Date.now());
  }

  /** How much time is left until then, in ms; negative once it is past. */
  get remaining(): number {
    return Math.min(this.time - Date.now(), this.#monotonic - performance.now());
  }
}

/** Runs `work` for at most `timeout` ms, whether or not `work` observes its signal. */
export async function withTimeout<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  timeout: number,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' }));
      controller.abort();
    }, timeout);
    timer.unref();
  });
  try {
    return await Promise.race([work(controller.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles as `promise` does, or rejects as soon as `signal` is aborted. */
export async function raceSignal<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => {
      reject(new Error('aborted'));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true, signal: settled.signal });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    settled.abort();
  }
}

/** Runs one task at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all earlier ones have settled. */
  runExclusive<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task, task);
    this.#last = result;
    return result;
  }
}
