export { LocalAzure } from './local-azure.js';
export type {
  CredentialOptions,
  LocalAzureConnectionOptions,
  LocalAzureOptions,
  TokenOptions,
} from './local-azure.js';
export type { LocalCluster, ClusterSize } from './cluster/local-cluster.js';
export type { ClusterNode } from './cluster/node.js';
export type { SlotMigration } from './cluster/slot-migration.js';
export { LocalEntra } from './entra/index.js';
export type {
  Application,
  ApplicationOptions,
  EntraRequestEntry,
  EntraStatistics,
  EntraTokenEntry,
  FederatedCredential,
  FederatedTokenOptions,
  LocalEntraOptions,
  ManagedIdentity,
  TrustedSubject,
  User,
  UserOptions,
} from './entra/index.js';
export type { Role } from './access-policy.js';
export type { AdminConnection } from './admin-connection.js';
export type { OpenConnection } from './connection.js';
export type { LocalCredential, TokenSettings } from './identity.js';
export type { Upstream } from './redis-server.js';
export { RedisReplyError } from './resp/decode.js';
export type { RedisValue } from './resp/decode.js';
export type {
  ConnectionEntry,
  EvictionEntry,
  LocalAzureEvents,
  LoginEntry,
  RefusalEntry,
  Statistics,
  TokenEntry,
  TokenRequestEntry,
} from './statistics.js';
