/** Runs `work` for at most `timeout` ms, whether or not it heeds its signal. */
export async function cutOff<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  timeout: number,
): Promise<Result> {
  const controller = new AbortController();
  const { promise: timedOut, reject } = withRejection();
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${timeout} ms`));
    controller.abort();
  }, timeout);
  timer.unref();
  try {
    return await Promise.race([work(controller.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}

function withRejection(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejectPromise) => {
    reject = rejectPromise;
  });
  return { promise, reject };
}
