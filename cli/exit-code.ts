/** The exit codes of the command, for scripts. */
export enum ExitCode {
  success = 0,
  /** The command found a fault, or failed. */
  fault = 1,
  /** The arguments are not valid. */
  usage = 2,
}
