/** The AUTHs of many connections are spread over at most this time, in ms. */
const MAX_SPREAD = 60_000;

/** The share of the remaining life of a connection's credentials over which its AUTH is spread: it ends well before they expire. */
const SPREAD_SHARE = 1 / 4;

/** The time over which the AUTHs are spread that replace credentials with `left` ms to live, in ms. */
export function spreadOf(left: number): number {
  return Math.min(MAX_SPREAD, Math.max(0, left) * SPREAD_SHARE);
}
