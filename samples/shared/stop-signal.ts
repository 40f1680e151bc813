/** A signal that aborts on the first SIGINT (Ctrl+C) or SIGTERM. The next one ends the process immediately. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    // Without a listener, Node.js exits.
    process.off('SIGINT', stop).off('SIGTERM', stop);
    controller.abort(signal);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}

/** A signal that aborts with the given one, or after `limit` ms. */
export function withTimeLimit(signal: AbortSignal, limit: number | undefined): AbortSignal {
  if (limit === undefined) return signal;
  // Not AbortSignal.any() with AbortSignal.timeout(): Node.js 20 may collect the latter, which then never fires.
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort();
  }, limit).unref();
  void aborted(signal).then(() => {
    clearTimeout(timer);
    controller.abort(signal.reason);
  });
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
