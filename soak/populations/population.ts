import type { Authenticator } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import type { Ledger } from '../ledger.js';
import type { Workload } from '../workloads/workload.js';
import type { Fault } from './fault.js';

/** The clients of one cache, what they do, and what can go wrong there. */
export interface Population {
  readonly name: string;
  readonly azure: AzureRedisEmulator;
  readonly authenticator: Authenticator;
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
