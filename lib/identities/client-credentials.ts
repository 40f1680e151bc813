import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import type { Configuration } from '@azure/msal-node';
import { MsalNetwork } from './msal-network.js';

/** An application, and how it proves to be itself this time. */
export interface ConfidentialClient {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly proof: Pick<Configuration['auth'], 'clientSecret' | 'clientCertificate' | 'clientAssertion'>;
}

const network = new MsalNetwork({ name: 'Microsoft Entra', isRemote: true });

/**
 * A new token for an application, by OAuth's client credentials grant.
 *
 * Each request is made by a client of its own, since msal's clients remember: the token until five minutes before its
 * end, and for a minute or more a fault of the service, with which they then answer by themselves.
 */
export async function acquireByClientCredentials(
  { authorityHost, tenantId, clientId, proof }: ConfidentialClient,
  scopes: string | string[],
  { abortSignal }: GetTokenOptions = {},
): Promise<AccessToken> {
  const { ConfidentialClientApplication } = await import('@azure/msal-node');
  const client = new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `${authorityHost}/${tenantId}`,
      knownAuthorities: [new URL(authorityHost).host],
      ...proof,
    },
    system: { networkClient: network },
  });
  return network.acquire(abortSignal, () =>
    client.acquireTokenByClientCredential({ scopes: [scopes].flat(), skipCache: true }),
  );
}
