/**
 * Azure Redis and Entra on this machine, for tests.
 *
 * @module ioredis-azure/emulator
 */
export { AzureRedisEmulator } from './azure-redis-emulator.js';
export type {
  CredentialOptions,
  EmulatorConnectionOptions,
  AzureRedisEmulatorOptions,
  IssueTokenOptions,
} from './options.js';
export type { ClusterEmulator, ClusterSize } from './cluster/cluster-emulator.js';
export type { ClusterNode } from './cluster/node.js';
export type { SlotMigration } from './cluster/slot-migration.js';
export { EntraEmulator } from './entra/index.js';
export type {
  Application,
  ApplicationOptions,
  EntraEmulatorEvents,
  EntraRequestEntry,
  EntraStatistics,
  EntraTokenEntry,
  FederatedCredential,
  FederatedTokenOptions,
  EntraEmulatorOptions,
  ManagedIdentity,
  TrustedSubject,
  User,
  UserOptions,
} from './entra/index.js';
export type { ListenOptions } from './listen.js';
export type { AccessString, Role } from './access-policy.js';
export type { FailedCommand } from './command-errors.js';
export type { Product } from './blocked-commands.js';
export type { AdminConnection } from './admin-connection.js';
export type { OpenConnection } from './connection.js';
export type { EmulatorCredential, TokenSettings } from './identity.js';
export type { Upstream } from './redis-server.js';
export { RedisReplyError } from './resp/decode.js';
export type { RedisValue } from './resp/decode.js';
export type {
  ConnectionEntry,
  EvictionEntry,
  AzureRedisEmulatorEvents,
  LoginEntry,
  RefusalEntry,
  Statistics,
  TokenEntry,
  TokenRequestEntry,
} from './statistics.js';
