/** The last moment that a Date can hold, in ms since 1970: an access key never ends. */
const END_OF_TIME = 8.64e15;

/** A moment in ms since 1970, perhaps `Infinity`, as a Date. */
export function dateOf(time: number): Date {
  return new Date(Math.min(END_OF_TIME, time));
}

/**
 * A moment that has come as soon as either clock says so. The monotonic clock stands still while the process, or the
 * machine, is suspended; the wall clock can be set back. Neither alone would notice every end of a token.
 */
export class Deadline {
  /** In ms since 1970. */
  readonly time: number;
  readonly #monotonic: number;

  constructor(time: number) {
    this.time = time;
    this.#monotonic = performance.now() + (time - Date.now());
  }

  /** How much time is left until then, in ms; negative once it is past. */
  get remaining(): number {
    return Math.min(this.time - Date.now(), this.#monotonic - performance.now());
  }
}
