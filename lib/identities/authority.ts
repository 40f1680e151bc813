import { AzureRedisError } from '../errors.js';

const PUBLIC_CLOUD = 'https://login.microsoftonline.com';
const VARIABLE = 'AZURE_AUTHORITY_HOST';

/**
 * Microsoft's own authority hosts, which need no discovery to be trusted.
 * Source: the instance discovery metadata of `@azure/msal-common`, and AzureAuthorityHosts of `@azure/identity`.
 */
const MICROSOFT_HOSTS: ReadonlySet<string> = new Set([
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
  'login.microsoftonline.us',
  'login.usgovcloudapi.net',
  'login.chinacloudapi.cn',
  'login.partner.microsoftonline.cn',
]);

/** Where an identity asks for its tokens. */
export interface AuthorityContext {
  /** The address of the identity service. Default: `AZURE_AUTHORITY_HOST`, as the Azure SDK reads it, else Azure's public cloud. */
  readonly authorityHost?: string | undefined;
}

/**
 * The address of the identity service, without a slash at its end.
 *
 * @param fallback Where neither the context nor the environment says. Default: Azure's public cloud.
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function authorityHostOf({ authorityHost }: AuthorityContext, fallback = PUBLIC_CLOUD): string {
  if (authorityHost !== undefined) return checkAuthorityHost(authorityHost);
  const ofEnvironment = process.env[VARIABLE];
  return ofEnvironment ? checkAuthorityHost(ofEnvironment, VARIABLE) : fallback;
}

/** Whether this is an authority host of Microsoft's, which the identity libraries know without asking it. */
export function isMicrosoftAuthority(authorityHost: string): boolean {
  return MICROSOFT_HOSTS.has(new URL(authorityHost).host);
}

/**
 * Checks the address of an identity service and gives it without a slash at its end.
 *
 * @throws AzureRedisError `INVALID_OPTION`.
 */
export function checkAuthorityHost(authorityHost: unknown, name = 'authorityHost'): string {
  const url = typeof authorityHost === 'string' && URL.canParse(authorityHost) && new URL(authorityHost);
  if (!url || url.protocol !== 'https:' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new AzureRedisError(
      'INVALID_OPTION',
      `${name} is no address of an identity service.`,
      'Give an https address without a path, for example https://login.microsoftonline.us, or give cloud instead.',
    );
  }
  return url.origin;
}
