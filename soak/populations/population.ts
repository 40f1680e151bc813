import type { Authenticator } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import type { Ledger } from '../ledger.js';
import type { Workload } from '../workloads/workload.js';
import type { Fault } from './fault.js';

/** In ms. */
export const TOKEN_LIFETIME = 6_000;

/** Tokens are refreshed after a third of their lifetime, so that one may be late. */
export const SETTINGS = {
  expirationRefreshRatio: 0.35,
  connectTimeout: 2_000,
  heartbeatInterval: 1_000,
} as const;

/** The clients of one cache, what they do, and what can go wrong there. */
export interface Population {
  readonly name: string;
  readonly azure: AzureRedisEmulator;
  readonly authenticators: readonly Authenticator[];
  readonly ledger: Ledger;
  readonly workloads: readonly Workload[];
  /** The number of its connections, where it is always the same. */
  readonly size?: number;
  faults(): readonly Fault[];
  /** Ends its clients. */
  end(): Promise<void>;
  /** Stops its servers. */
  stop(): Promise<void>;
}
