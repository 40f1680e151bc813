/** Deep enough for ioredis' way from a client to its connector, or to the text of its password. */
const FRAMES = 20;

/** The files of the functions that are running, the innermost first. */
export function callerFiles(): string[] {
  const { stackTraceLimit } = Error;
  const formatter = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  let files: string[] = [];
  try {
    // The text of a stack may be that of source maps, or of another tool; call sites name the file that was loaded.
    Error.prepareStackTrace = (_error, callSites) => {
      files = callSites.map((callSite) => callSite.getFileName() ?? '');
      return '';
    };
    Error.stackTraceLimit = FRAMES;
    // Reading `stack` calls prepareStackTrace().
    const { stack } = new Error();
    return stack === '' ? files : [];
  } finally {
    if (formatter) Object.defineProperty(Error, 'prepareStackTrace', formatter);
    else Reflect.deleteProperty(Error, 'prepareStackTrace');
    Error.stackTraceLimit = stackTraceLimit;
  }
}
