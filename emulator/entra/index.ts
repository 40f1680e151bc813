export type { Application, ApplicationOptions, FederatedCredential, TrustedSubject } from './application.js';
export type { ManagedIdentity, User, UserOptions } from './directory.js';
export { type FederatedTokenOptions, EntraEmulator, type EntraEmulatorOptions } from './entra-emulator.js';
export type {
  EntraEmulatorEvents,
  EntraRequestEntry,
  EntraStatistics,
  EntraTokenEntry,
} from './request-log.js';
