export type { Application, ApplicationOptions, FederatedCredential, TrustedSubject } from './application.js';
export type { ManagedIdentity, User, UserOptions } from './directory.js';
export { EntraEmulator } from './entra-emulator.js';
export type { EntraEmulatorOptions, FederatedTokenOptions } from './options.js';
export type {
  EntraEmulatorEvents,
  EntraRequestEntry,
  EntraStatistics,
  EntraTokenEntry,
} from './request-log.js';
