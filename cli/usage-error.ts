/** The arguments of the command are not valid: its message is printed above a usage line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
