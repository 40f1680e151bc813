import type { ConfigureForAzureOptions } from '../../lib/index.js';
import type { AzureRedisEmulator } from '../../emulator/index.js';

type TokenOptions = Pick<ConfigureForAzureOptions, 'credential' | 'expirationRefreshRatio'>;

/**
 * What options need for tokens, beyond those given: an identity of its own, and tokens that are refreshed early. At the
 * default ratio, a short token would leave a fraction of a second for what takes place before it ends; a busy machine
 * may stand still for longer than that.
 */
export function tokenOptions(
  azure: AzureRedisEmulator,
  given: Partial<ConfigureForAzureOptions> = {},
): TokenOptions {
  if (given.authenticator) return {};
  return { expirationRefreshRatio: 0.25, ...(given.credential ? {} : { credential: azure.credential() }) };
}

/** The options for this cache: those given, where it is, and what they need for tokens. */
export function optionsFor<Given extends Partial<ConfigureForAzureOptions>>(
  azure: AzureRedisEmulator,
  given: Given,
) {
  const { host, port, tls } = azure.options;
  return { host, port, tls, ...tokenOptions(azure, given), ...given };
}
