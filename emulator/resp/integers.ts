const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Parses the decimal integer in `bytes` from `start` to `end` by the rules of redis-server: an optional minus, no plus, no
 * leading zeros. NaN for anything that redis-server would reject.
 */
export function readInteger(bytes: Buffer, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  if (first >= end || end - first > 19) return NaN;
  if (bytes[first] === ZERO) return end - first === 1 && !negative ? 0 : NaN;
  let value = 0;
  for (let position = first; position < end; position++) {
    const digit = bytes[position] ?? 0;
    if (digit < ZERO || digit > NINE) return NaN;
    value = value * 10 + (digit - ZERO);
  }
  return negative ? -value : value;
}
