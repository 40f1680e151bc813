import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type { Configuration } from '@azure/msal-node';
import type { Application } from './application.js';
import { MsalNetwork } from './msal-network.js';

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
