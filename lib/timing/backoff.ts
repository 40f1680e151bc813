/** The waits between attempts; all times are in ms. */
export interface Backoff {
  /** The wait after the first failure. */
  readonly minTimeout: number;
  /** The longest wait. */
  readonly maxTimeout: number;
  /** The ratio of each wait to the one before it. */
  readonly factor: number;
  /** Whether each wait is multiplied by a random number from 1 to 2, so that a fleet does not retry as one. */
  readonly randomize: boolean;
}

/** The wait after this many failures in a row, in ms. */
export function backoffDelay(
  failures: number,
  { minTimeout, maxTimeout, factor, randomize }: Backoff,
): number {
  // Limited, since 0 ms times an infinite power would be no number at all.
  const growth = Math.min(factor ** (failures - 1), Number.MAX_VALUE);
  return Math.min(maxTimeout, (randomize ? 1 + Math.random() : 1) * minTimeout * growth);
}

/** The AUTHs of many connections are spread over at most this time, in ms. */
const MAX_SPREAD = 60_000;

/** The share of the remaining life of a connection's credentials over which its AUTH is spread: it ends well before they expire. */
const SPREAD_SHARE = 1 / 4;

/** The time over which the AUTHs are spread that replace credentials with `remaining` ms to live, in ms. */
export function spreadOf(remaining: number): number {
  return Math.min(MAX_SPREAD, Math.max(0, remaining) * SPREAD_SHARE);
}
