/**
 * Microsoft Entra ID authentication for ioredis on Azure Redis.
 *
 * @module ioredis-azure
 */
export { Authenticator, type AuthenticatorEvents, type ConnectionSnapshot } from './authenticator.js';
export type { Delivery, RecycleReason, Replacement } from './connection/events.js';
export type {
  AzureClusterArguments,
  AzureClusterOptions,
  ConfigureClusterForAzureOptions,
} from './configure/cluster.js';
export { configureClusterForAzure, configureForAzure } from './configure/configure.js';
export type {
  AuthenticatorOptions,
  ConfiguredRedisOptions,
  ConfigureForAzureOptions,
  EndpointOptions,
  Identities,
  IdentityOptions,
  RetryOptions,
} from './configure/options.js';
export type { AccessKeyOption } from './credentials/access-key.js';
export type { TokenClaims, UsernameOption } from './credentials/token.js';
export type { ReauthenticationTrace, Stall, TokenRefreshTrace } from './diagnostics.js';
export { AzureRedisError, type AzureRedisErrorCode } from './errors.js';
export type { Cloud } from './identities/authority.js';
export {
  AuthorizationCodeFlow,
  type AuthorizationCodeFlowOptions,
} from './identities/authorization-code-flow.js';
export type { CertificateOption } from './identities/certificate.js';
export type { ManagedIdentityOption } from './identities/managed-identity.js';
export type {
  ClientCertificateOption,
  ClientSecretOption,
  ServicePrincipalOption,
} from './identities/service-principal.js';
export { Multiplexer } from './multiplexer/multiplexer.js';
export type { MaintenanceEvent, MaintenanceType } from './multiplexer/maintenance-events.js';
export type { MultiplexerOptions, MultiplexerSettings } from './multiplexer/options.js';
export type { SubscribeArguments } from './multiplexer/subscription.js';
export type {
  ChannelMessage,
  MessageListener,
  PayloadOf,
  SubscribeOptions,
  Subscription,
  TextOptions,
} from './multiplexer/subscription.js';
export type { ConnectionName, MultiplexerEvents } from './multiplexer/events.js';
export type {
  MultiplexerConnection,
  MultiplexerStatistics,
  MultiplexerStatus,
} from './multiplexer/options.js';
