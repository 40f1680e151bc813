import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type { Configuration } from '@azure/msal-node';
import { checkText, invalidOption, shown } from '../validation.js';
import { MsalNetwork } from './msal-network.js';

/** An app registration of a tenant. */
export interface Application {
  /** The "Directory (tenant) ID" of the app registration. */
  readonly tenantId: string;
  /** The "Application (client) ID" of the app registration. */
  readonly clientId: string;
}

/** A value, or a function that is called for the current value each time that it is used. */
export type Rotatable<T> = T | (() => T | Promise<T>);

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkTenantId(name: string, value: unknown): string {
  const hint =
    'Set it to the "Directory (tenant) ID" of the app registration, or to one of the tenant\'s domain names.';
  const tenantId = checkText(name, value, hint);
  if (/^[0-9a-z.-]+$/i.test(tenantId)) return tenantId;
  throw invalidOption(`\`${name}\` must be a GUID or a domain name, got ${shown(tenantId)}.`, hint);
}

/** @throws AzureRedisError `INVALID_OPTION`. */
export function checkClientId(name: string, value: unknown): string {
  return checkText(name, value, 'Set it to the "Application (client) ID" of the app registration.');
}

/** An application, and how it authenticates for one request. */
export interface ConfidentialClient extends Application {
  readonly authorityHost: string;
  readonly clientAuthentication: Pick<
    Configuration['auth'],
    'clientSecret' | 'clientCertificate' | 'clientAssertion'
  >;
}

const network = new MsalNetwork({ name: 'Microsoft Entra', isRemote: true });

/**
 * Requests a new token for an application, by OAuth's client credentials grant.
 *
 * Each request uses a new client, since a client of msal caches its token until five minutes before the expiry, and an
 * error of the service for a minute or more.
 */
export async function acquireByClientCredentials(
  { authorityHost, tenantId, clientId, clientAuthentication }: ConfidentialClient,
  scopes: string | string[],
  { abortSignal }: GetTokenOptions = {},
): Promise<AccessToken> {
  const { ConfidentialClientApplication } = await import('@azure/msal-node');
  const client = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `${authorityHost}/${tenantId}`,
      knownAuthorities: [new URL(authorityHost).host],
      ...clientAuthentication,
    },
    system: { networkClient: network },
  });
  return network.acquire(abortSignal, () =>
    client.acquireTokenByClientCredential({ scopes: [scopes].flat(), skipCache: true }),
  );
}
