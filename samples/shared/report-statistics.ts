import type { Target } from './target.js';

/** Prints what the emulator has counted, if the target is one. */
export function reportStatistics({ emulator }: Target): void {
  if (!emulator) return;
  const { connections, tokensIssued, evictions } = emulator.statistics;
  console.log(
    `The cache counted: connections ${connections.length}, tokens ${tokensIssued.length}, evictions ${evictions.length}`,
  );
}
