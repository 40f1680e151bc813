/** The longest delay of a Node.js timer, in ms; a longer one fires at once. */
export const MAX_TIMER_DELAY = 2 ** 31 - 1;

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
