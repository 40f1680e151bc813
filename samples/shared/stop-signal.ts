/** Is aborted by the first SIGINT (Ctrl+C) or SIGTERM. The second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      controller.abort(signal);
    });
  }
  return controller.signal;
}

/** Is aborted with the signal, or after this time, in ms, if one is given. */
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

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
