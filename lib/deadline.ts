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
