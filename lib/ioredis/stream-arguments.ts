/** The arguments of XREAD and XREADGROUP: options, the word STREAMS, the keys, and one id for each key. */

/** Where the options begin: the names of a group and of its consumer may be any words. */
export function startOfOptions(args: readonly unknown[]): number {
  return lowerCase(args[0]) === 'group' ? 3 : 0;
}

/** The position of the word STREAMS; -1 without it. */
export function streamsOption(args: readonly unknown[]): number {
  return args.map(lowerCase).indexOf('streams', startOfOptions(args));
}

export function lowerCase(arg: unknown): string {
  return String(arg).toLowerCase();
}
