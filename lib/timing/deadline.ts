/** The last time that a Date can represent, in ms since 1970. An access key does not expire. */
const END_OF_TIME = 8.64e15;

/** A time in ms since 1970, which may be `Infinity`, as a Date. */
export function dateOf(time: number): Date {
  return new Date(Math.min(END_OF_TIME, time));
}

/**
 * A point in time that has passed as soon as either clock says so. The monotonic clock stands still while the machine is
 * suspended; the wall clock can be set back. Neither alone would detect every expiry of a token.
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
