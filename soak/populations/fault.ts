/** What goes wrong, and what may come of it. */
export interface Fault {
  readonly name: string;
  /** How long it lasts, in ms: at least, and at most. */
  readonly duration: readonly [least: number, most: number];
  /** Whether connections may break. */
  readonly breaks: boolean;
  /** Whether logins may be refused. */
  readonly refuses?: boolean;
  /** Within which time after its end everybody is served again, in ms. */
  readonly recovery: number;
  begin(): unknown;
  end(): unknown;
}

/** The promise for faults of the identity service. */
export const RECOVERY = 2_000;

/** A client that could not connect waits for up to two seconds, and connects then. */
export const RECONNECTION = 5_000;

/** A silent connection is found within five seconds, and one that blocks after its timeout. */
export const SILENCE = 8_000;
