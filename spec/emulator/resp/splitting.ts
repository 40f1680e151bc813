import fc from 'fast-check';

/** Splits bytes into packets anywhere: at the fractions of their length that fast-check chooses. */
export const splitBytes: fc.Arbitrary<(bytes: Buffer) => Buffer[]> = fc
  .oneof(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
    fc.constant(Array.from({ length: 2_000 }, (_, index) => index / 2_000)),
  )
  .map((fractions) => (bytes: Buffer) => {
    const positions = [...new Set(fractions.map((fraction) => Math.floor(fraction * bytes.length)))].sort(
      (a, b) => a - b,
    );
    return [0, ...positions].map((start, index) => bytes.subarray(start, positions[index] ?? bytes.length));
  });
