import { invalidOption, shown } from '../validation.js';

/** An Azure cloud; each has its own identity service. */
export type Cloud = 'public' | 'usGovernment' | 'china';

/** The identity service of each cloud. Source: AzureAuthorityHosts of `@azure/identity`. */
export const AUTHORITY_HOSTS: Readonly<Record<Cloud, string>> = {
  public: 'https://login.microsoftonline.com',
  usGovernment: 'https://login.microsoftonline.us',
  china: 'https://login.chinacloudapi.cn',
};

/** The scope of access tokens for Azure Redis, the same in every cloud. Source: Microsoft.Azure.StackExchangeRedis. */
export const DEFAULT_SCOPE = 'https://redis.azure.com/.default';

const VARIABLE = 'AZURE_AUTHORITY_HOST';

/**
 * The URL of the identity service, without a trailing slash.
 *
 * @param given The option. Default: `AZURE_AUTHORITY_HOST`, as in the Azure SDK, else `fallback`.
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function authorityHostOf(given?: string, fallback = AUTHORITY_HOSTS.public): string {
  if (given !== undefined) return checkAuthorityHost(given);
  const fromEnvironment = process.env[VARIABLE];
  return fromEnvironment ? checkAuthorityHost(fromEnvironment, VARIABLE) : fallback;
}

/**
 * Checks the URL of an identity service and returns it without a trailing slash.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkAuthorityHost(authorityHost: unknown, name = 'authorityHost'): string {
  const url = typeof authorityHost === 'string' && URL.canParse(authorityHost) && new URL(authorityHost);
  if (!url || url.protocol !== 'https:' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw invalidOption(
      `\`${name}\` must be an https URL without a path, got ${shown(authorityHost)}.`,
      `Set it to a URL such as ${AUTHORITY_HOSTS.usGovernment}, or set \`cloud\` instead.`,
    );
  }
  return url.origin;
}
