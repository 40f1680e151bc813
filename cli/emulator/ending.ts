/** How often the command looks whether its parent still runs, in ms. */
const PARENT_INTERVAL = 500;

/**
 * Resolves when the command is to end: Ctrl+C, SIGTERM, a closed terminal, or the end of the process that started it.
 * The system reports all of these but the last: the end of a parent process is not reported.
 */
export function untilEnd({
  background = false,
}: {
  readonly background?: boolean | undefined;
}): Promise<void> {
  return new Promise((resolve) => {
    const { ppid: parent } = process;
    const end = (): void => {
      clearInterval(timer);
      resolve();
    };
    const timer = setInterval(() => {
      if (!background && process.ppid !== parent) end();
    }, PARENT_INTERVAL).unref();
    // A second Ctrl+C ends the process at once.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
    process.on('SIGHUP', () => {
      if (!background) end();
    });
  });
}
