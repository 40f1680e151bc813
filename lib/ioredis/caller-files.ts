/** Deep enough for ioredis' way from a client to its connector, or to the text of its password. */
const FRAMES = 20;

/** The files of the functions that are running, the innermost first. */
export function callerFiles(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let files: string[] = [];
  try {
    // The text of a stack may be that of source maps, or of another tool; call sites name the file that was loaded.
    Error.prepareStackTrace = (_error, callSites) => {
      files = callSites.map((callSite) => callSite.getFileName() ?? '');
    };
    Error.stackTraceLimit = FRAMES;
    // Reading the stack is what calls prepareStackTrace().
    void new Error().stack;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  return files;
}
