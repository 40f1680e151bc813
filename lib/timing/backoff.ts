/** How long to wait between attempts; the names and meanings are p-retry's. */
export interface Backoff {
  /** The wait after the first failure, in ms. */
  readonly minTimeout: number;
  /** The longest wait, in ms. */
  readonly maxTimeout: number;
  /** By what each wait is longer than the one before it. */
  readonly factor: number;
  /** Whether each wait is stretched at random to up to its double, so that a fleet does not come back as one. */
  readonly randomize: boolean;
}

/** How long to wait after this many failures in a row, in ms. */
export function backoffDelay(failures: number, backoff: Backoff): number {
  const stretch = backoff.randomize ? 1 + Math.random() : 1;
  return Math.min(backoff.maxTimeout, stretch * backoff.minTimeout * backoff.factor ** (failures - 1));
}
