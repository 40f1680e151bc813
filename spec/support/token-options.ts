import type { ConfigureForAzureOptions } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';

const IDENTITIES = ['credential', 'managedIdentity', 'servicePrincipal', 'accessKey', 'authenticator'];

/**
 * Completes options with a new identity, unless they have one, and an early refresh. At the default ratio, a short token would
 * leave a fraction of a second between the refresh and the expiry; a busy machine may stall for longer than that.
 */
export function tokenOptions(azure: AzureRedisEmulator, given: object = {}): object {
  if ('authenticator' in given) return {};
  const hasIdentity = IDENTITIES.some((name) => name in given);
  return { expirationRefreshRatio: 0.25, ...(!hasIdentity && { credential: azure.credential() }) };
}

/** The options for this cache: the given ones, its address, and those for tokens. */
export function optionsFor(azure: AzureRedisEmulator, given: object): ConfigureForAzureOptions {
  const { host, port, tls } = azure.options;
  return { host, port, tls, ...tokenOptions(azure, given), ...given };
}
