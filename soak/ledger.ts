import type { Authenticator } from '../lib/index.js';
import type { AzureRedisEmulator } from '../emulator/index.js';

/** The events of an authenticator that are counted. */
const EVENTS = ['tokenRefreshed', 'tokenRefreshFailed', 'reauthenticated', 'stalled', 'recycled'] as const;

/** The counts of a population, and the violations of what it is promised. */
export class Ledger {
  readonly #counts = new Map<string, number>();
  readonly #violations: string[] = [];
  readonly #name: string;
  /** Whether connections may break, together with the commands in flight. */
  mayBreak = false;
  /** Until when logins may be refused (`Date.now()`): one that was sent before the end of a fault may be answered after it. */
  mayRefuseUntil = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  /** Counts what an authenticator reports. */
  observe(authenticator: Authenticator): void {
    for (const event of EVENTS)
      authenticator.on(event, () => {
        this.count(event);
      });
  }

  /** Counts the logins that a cache refuses. */
  observeRefusals(azure: AzureRedisEmulator): void {
    azure.on('refusal', ({ reason }) => {
      if (Date.now() < this.mayRefuseUntil) this.count('logins refused on purpose');
      else this.violate(`a login was refused: ${reason}`);
    });
  }

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  violate(what: string): void {
    this.#violations.push(`${this.#name}: ${what}`);
    console.log(`${new Date().toISOString()} VIOLATION: ${this.#name}: ${what}`);
  }

  /** A command failed, which it may only where connections may break. */
  failed(what: string, error: unknown): void {
    if (this.mayBreak) this.count('commands failed while connections broke');
    else this.violate(`${what}: ${String(error)}`);
  }
}
