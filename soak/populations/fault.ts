import type { AzureRedisEmulator, EmulatorCredential } from '../../emulator/index.js';

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

/** The clients work undisturbed. */
export const NO_FAULT: Fault = {
  name: 'none',
  duration: [4_000, 8_000],
  breaks: false,
  recovery: RECOVERY,
  begin: () => undefined,
  end: () => undefined,
};

export function droppedConnections(azure: AzureRedisEmulator): Fault {
  return {
    name: 'connections dropped',
    duration: [0, 0],
    breaks: true,
    recovery: RECONNECTION,
    begin: () => azure.dropConnections(),
    end: () => undefined,
  };
}

/** Refused subscriptions are tried again after half a second, then after twice the time. */
export function roleWithoutSubscriptions(azure: AzureRedisEmulator, { oid }: EmulatorCredential): Fault {
  return {
    name: 'role without subscriptions',
    duration: [1_000, 3_000],
    breaks: true,
    recovery: SILENCE,
    async begin() {
      await azure.assignRole(oid, '+@all -@pubsub ~* &*');
      azure.dropConnections();
    },
    end: () => azure.assignRole(oid, 'Data Owner'),
  };
}
