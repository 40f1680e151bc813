/** The counts of a soak, and the violations. */
export class Ledger {
  readonly #counts = new Map<string, number>();
  readonly #violations: string[] = [];
  /** Whether connections may break, together with the commands in flight. */
  mayBreak = false;

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  violate(what: string): void {
    this.#violations.push(what);
    console.log(`${new Date().toISOString()} VIOLATION: ${what}`);
  }

  /** A command failed, which it may only where connections may break. */
  failed(what: string, error: unknown): void {
    if (this.mayBreak) this.count('commands failed while connections broke');
    else this.violate(`${what}: ${String(error)}`);
  }
}
