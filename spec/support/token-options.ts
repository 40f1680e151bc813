import type { ConfigureForAzureOptions } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';

type TokenOptions = Pick<ConfigureForAzureOptions, 'credential' | 'expirationRefreshRatio'>;

/**
 * Completes options with a new identity and an early refresh. At the default ratio, a short token would leave a fraction of
 * a second between the refresh and the expiry; a busy machine may stall for longer than that.
 */
export function tokenOptions(
  azure: AzureRedisEmulator,
  given: Partial<ConfigureForAzureOptions> = {},
): TokenOptions {
  if (given.authenticator) return {};
  return { expirationRefreshRatio: 0.25, ...(given.credential ? {} : { credential: azure.credential() }) };
}

/** The options for this cache: the given ones, its address, and those for tokens. */
export function optionsFor<Given extends Partial<ConfigureForAzureOptions>>(
  azure: AzureRedisEmulator,
  given: Given,
) {
  const { host, port, tls } = azure.options;
  return { host, port, tls, ...tokenOptions(azure, given), ...given };
}
