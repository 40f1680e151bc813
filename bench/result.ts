import type { Summary } from './statistics.js';

/** What a value is to be. */
export interface Goal {
  readonly text: string;
  isMet(value: number): boolean;
}

/** One line of the results. */
export interface Result {
  /** What was measured, such as "p99". */
  readonly what: string;
  /** Of which client, library or size. */
  readonly of: string;
  /** The value, for people. */
  readonly value: string;
  readonly spread?: string;
  readonly goal?: string;
  /** Absent without a goal. */
  readonly isMet?: boolean;
  /** A count, which depends neither on the machine nor on its load: the short form fails if such a goal is missed. */
  readonly isCount?: boolean;
}

export const atLeast = (limit: number): Goal => ({
  text: `≥ ${limit}`,
  isMet: (value) => value >= limit,
});

export const atMost = (limit: number, unit = ''): Goal => ({
  text: `≤ ${limit}${unit}`,
  isMet: (value) => value <= limit,
});

export const exactly = (expected: number): Goal => ({
  text: String(expected),
  isMet: (value) => value === expected,
});

/** A ratio, judged as it is printed: with two decimals. */
export function ratio(what: string, of: string, { median, low, high }: Summary, goal?: Goal): Result {
  const rounded = Number(median.toFixed(2));
  return {
    what,
    of,
    value: median.toFixed(2),
    spread: `${low.toFixed(2)} – ${high.toFixed(2)}`,
    ...(goal && { goal: goal.text, isMet: goal.isMet(rounded) }),
  };
}

/** A number of events, of which there should be none, or as many as the goal says. */
export function count(what: string, of: string, value: number, goal?: Goal): Result {
  return {
    what,
    of,
    value: String(value),
    ...(goal && { goal: goal.text, isMet: goal.isMet(value), isCount: true }),
  };
}

/** Numbers of events of several kinds, in one line: "lost, failed" is "0, 0". */
export function counts(of: string, values: Readonly<Record<string, number>>, goal?: Goal): Result {
  const numbers = Object.values(values);
  return {
    what: Object.keys(values).join(', '),
    of,
    value: numbers.join(', '),
    ...(goal && { goal: goal.text, isMet: numbers.every((value) => goal.isMet(value)), isCount: true }),
  };
}

/** A quantity with a unit, which depends on the machine. */
export function quantity(
  what: string,
  of: string,
  values: Summary | number,
  unit: string,
  goal?: Goal,
): Result {
  const summary = typeof values === 'number' ? undefined : values;
  const value = typeof values === 'number' ? values : values.median;
  return {
    what,
    of,
    value: `${short(value)} ${unit}`,
    ...(summary && { spread: `${short(summary.low)} – ${short(summary.high)}` }),
    ...(goal && { goal: goal.text, isMet: goal.isMet(value) }),
  };
}

function short(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
