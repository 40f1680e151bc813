import { parseInteger } from './command-line.js';

/** The flag that limits for how long a sample runs. */
export const DURATION_FLAGS = { seconds: { type: 'string' } } as const;

/** The part of a usage line that describes `DURATION_FLAGS`. */
export const DURATION_USAGE = '[--seconds N]';

/** On the emulator, in seconds: four tokens. */
const EMULATOR_DURATION = '10';
const LONGEST_DURATION = 24 * 60 * 60;

/**
 * For how long a sample runs, in ms; `undefined` for a real cache without `--seconds`.
 *
 * @throws UsageError if it is not a number of seconds.
 */
export function durationOf({
  seconds,
  host,
}: {
  readonly seconds?: string | undefined;
  readonly host?: string | undefined;
}): number | undefined {
  const duration = seconds ?? (host === undefined ? EMULATOR_DURATION : undefined);
  return duration === undefined
    ? undefined
    : parseInteger('--seconds', duration, 1, LONGEST_DURATION) * 1_000;
}
