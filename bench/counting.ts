/** What became of commands that count. */
export interface CommandCounts {
  /** Answered, but not counted by the server. */
  readonly lost: number;
  /** Counted by the server, but neither answered nor rejected: the command ran twice. A lower limit if some failed. */
  readonly repeated: number;
  readonly failed: number;
}

/** Compares what a client was told with what the server has counted. */
export function commandCounts(answered: number, failed: number, counted: number): CommandCounts {
  return {
    lost: Math.max(0, answered - counted),
    repeated: Math.max(0, counted - answered - failed),
    failed,
  };
}

/** Numbers from 1, of which each is to arrive once. */
export class Arrivals {
  readonly #times: number[] = [];
  #received = 0;

  add(number: number): void {
    this.#times[number] = (this.#times[number] ?? 0) + 1;
    this.#received += 1;
  }

  get received(): number {
    return this.#received;
  }

  /** How many of the numbers up to `sent` did not arrive. */
  lost(sent: number): number {
    let lost = 0;
    for (let number = 1; number <= sent; number += 1) if (!this.#times[number]) lost += 1;
    return lost;
  }

  /** How many arrivals were one too many. */
  get repeated(): number {
    let repeated = 0;
    for (const times of this.#times) if (times > 1) repeated += times - 1;
    return repeated;
  }
}
