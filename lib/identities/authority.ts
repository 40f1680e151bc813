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

/**
 * The URL of the identity service, without a trailing slash.
 *
 * @param given The option. Default: `AZURE_AUTHORITY_HOST`, as in the Azure SDK, else `fallback`.
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function authorityHostOf(given?: unknown, fallback = AUTHORITY_HOSTS.public): string {
  if (given !== undefined) return checked('authorityHost', given);
  const fromEnvironment = process.env['AZURE_AUTHORITY_HOST'];
  return fromEnvironment ? checked('AZURE_AUTHORITY_HOST', fromEnvironment) : fallback;
}

function checked(name: string, authorityHost: unknown): string {
  const url = typeof authorityHost === 'string' && URL.canParse(authorityHost) && new URL(authorityHost);
  if (!url || url.protocol !== 'https:' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw invalidOption(
      `\`${name}\` must be an https URL without a path, got ${shown(authorityHost)}.`,
      `Set it to a URL such as ${AUTHORITY_HOSTS.usGovernment}, or set \`cloud\` instead.`,
    );
  }
  return url.origin;
}
