import type { Debugger } from 'debug';

/** Writes a message to stderr if the namespace of the log is enabled. */
export type DebugLog = (format: string, ...values: readonly unknown[]) => void;

/**
 * Creates a log of the `debug` package, which is imported with the first message while `DEBUG` is set, as `debug.enable()`
 * sets it too: the import of this package would take a seventh longer.
 */
export function createDebugLog(namespace: string): DebugLog {
  let loading: Promise<Debugger> | undefined;
  return (format, ...values) => {
    if (!process.env['DEBUG']) return;
    loading ??= import('debug').then(({ default: createDebug }) => createDebug(namespace));
    void loading.then((debug) => {
      debug(format, ...values);
    });
  };
}
