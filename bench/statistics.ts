/** The middle of some values, and how far they scatter: a half of them lies between `low` and `high`. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The value below which this share of the values lies, between the two nearest of them. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('there are no values');
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function summaryOf(values: readonly number[]): Summary {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** The ratios of what was measured in the same rounds. What both of a round have in common cancels out. */
export function ratiosOf(values: readonly number[], floor: readonly number[]): Summary {
  if (values.length !== floor.length) throw new RangeError('not of the same rounds');
  return summaryOf(values.map((value, round) => value / (floor[round] ?? NaN)));
}

/** The most events within any period of this length; `times` in ms. */
export function peakRate(times: readonly number[], period = 1_000): number {
  const sorted = times.toSorted((a, b) => a - b);
  let peak = 0;
  let first = 0;
  for (const [last, time] of sorted.entries()) {
    while (time - (sorted[first] ?? time) >= period) first += 1;
    peak = Math.max(peak, last - first + 1);
  }
  return peak;
}
