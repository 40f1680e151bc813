export { Authenticator, type AuthenticatorEvents, type ConnectionSnapshot } from './authenticator.js';
export { configureClusterForAzure, configureForAzure } from './configure/configure.js';
export type {
  AzureClusterArguments,
  AzureClusterOptions,
  ConfigureClusterForAzureOptions,
} from './configure/cluster.js';
export type { ReauthenticationTrace, TokenRefreshTrace } from './diagnostics.js';
export {
  AuthorizationCodeFlow,
  type AuthorizationCodeFlowOptions,
} from './identities/authorization-code-flow.js';
export { AzureRedisError, type AzureRedisErrorCode } from './errors.js';
export type {
  ConfiguredRedisOptions,
  ConfigureForAzureOptions,
  IdentityOptions,
  TokenOptions,
} from './configure/options.js';
export { Multiplexer } from './multiplexer/multiplexer.js';
export type {
  ConnectionName,
  MultiplexerConnection,
  MultiplexerEvents,
  MultiplexerStatus,
} from './multiplexer/multiplexer.js';
export type { MaintenanceEvent, MaintenanceType } from './multiplexer/maintenance-events.js';
export type { MultiplexerOptions, MultiplexerSettings } from './multiplexer/options.js';
export type {
  ChannelMessage,
  MessageListener,
  SubscribeOptions,
  Subscription,
} from './multiplexer/subscription.js';
