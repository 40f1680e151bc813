export { Authenticator, type AuthenticatorEvents, type ConnectionSnapshot } from './authenticator.js';
export { configureForAzure } from './configure.js';
export { AzureRedisError, type AzureRedisErrorCode } from './errors.js';
export type {
  AzureRedisOptions,
  ConfigureForAzureOptions,
  IdentityOptions,
  TokenOptions,
} from './options.js';
