import type { ConnectionOptions } from 'node:tls';
import type { AzCommands } from './az-commands.js';
import type { AzureTarget } from './azure-target.js';
import type { DiagnoseOptions } from './options.js';
import type { Resolution } from './resolver.js';

/** What every check knows. */
export interface DiagnosisContext {
  readonly options: DiagnoseOptions;
  readonly host: string;
  readonly port: number;
  /** Absent for plain TCP to a loopback host. */
  readonly tls: ConnectionOptions | undefined;
  /** The identity service, as the identity uses it. */
  readonly authorityHost: string;
  readonly scope: string;
  readonly target: AzureTarget;
  readonly az: AzCommands;
  /** The time that one step may take, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly resolve: (host: string) => Promise<Resolution>;
  /** Set if the host is not resolved by the system: sockets then connect to what this gives. */
  readonly lookup: ConnectionOptions['lookup'];
}
