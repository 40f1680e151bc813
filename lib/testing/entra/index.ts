export type { Application, ApplicationOptions, FederatedCredential, TrustedSubject } from './application.js';
export type { ManagedIdentity, User, UserOptions } from './directory.js';
export { type FederatedTokenOptions, LocalEntra, type LocalEntraOptions } from './local-entra.js';
export type { EntraRequestEntry, EntraStatistics, EntraTokenEntry } from './request-log.js';
