/** The time within which a suspension or a clock change is noticed, in ms. */
const LONGEST_WAIT = 60_000;

/** Calls back at a time of the wall clock. It does not keep the process alive. */
export class Expiry {
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #at: number | undefined;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  /** The time, in ms since 1970; `undefined` for never. */
  get at(): number | undefined {
    return this.#at;
  }

  set at(at: number | undefined) {
    this.#at = at;
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#at === undefined) return;
    const left = this.#at - Date.now();
    this.#timer = setTimeout(
      () => {
        this.#check();
      },
      Math.min(Math.max(left, 0), LONGEST_WAIT),
    ).unref();
  }

  #check(): void {
    // A timer may fire a little before the wall clock says so.
    if (this.#at === undefined || this.#at > Date.now()) this.#wait();
    else this.#expired();
  }
}
