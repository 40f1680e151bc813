/** The exit codes of the command, for scripts. */
export enum ExitCode {
  success = 0,
  /** The command did what it was told, and found a fault, or could not do it. */
  fault = 1,
  /** The arguments are not valid. */
  usage = 2,
}
