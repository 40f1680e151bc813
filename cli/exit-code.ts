/** The exit codes of the command, for scripts. */
export enum ExitCode {
  success = 0,
  /** The command found a fault, or failed. */
  fault = 1,
  /** The arguments are not valid. */
  usage = 2,
}

/** The arguments of the command are not valid: its message is printed above a usage line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command failed, though its arguments are valid: its exit code is 1. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** What to do. */
  readonly hint: string;
  /** The reason, for programs. */
  readonly code: string | undefined;

  constructor(
    message: string,
    hint: string,
    options: { readonly code?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.hint = hint;
    this.code = options.code;
  }
}
