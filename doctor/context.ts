import type { ConnectionOptions } from 'node:tls';
import type { AzCommands } from './az-commands.js';
import type { AzureTarget } from './azure-target.js';
import type { DiagnoseOptions } from './options.js';
import type { Resolution } from './resolver.js';

/** The time for a token, in units of `timeout`: some credentials start a program, or try several services. */
export const TOKEN_TIMEOUT_FACTOR = 3;

/** The validated options, and what is derived from them. */
export interface DiagnosisContext {
  readonly options: DiagnoseOptions;
  readonly host: string;
  readonly port: number;
  /** Absent for plain TCP to a loopback host. */
  readonly tls: ConnectionOptions | undefined;
  /** The URL of the identity service. */
  readonly authorityHost: string;
  readonly scope: string;
  readonly target: AzureTarget;
  readonly az: AzCommands;
  /** The time limit of one step on the network, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly resolve: (host: string) => Promise<Resolution>;
  /** The `lookup` of sockets; absent if the system resolves the host. */
  readonly lookup: ConnectionOptions['lookup'];
}
