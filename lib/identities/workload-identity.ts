import { readFile } from 'node:fs/promises';
import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import type { Application } from './application.js';
import { authorityHostOf } from './authority.js';
import { acquireByClientCredentials } from './client-credentials.js';

/** An identity that authenticates with a token that Kubernetes keeps in a file, as AKS provides it to a pod. */
export interface WorkloadIdentity extends Application {
  readonly tokenFile: string;
}

/**
 * The workload identity of this AKS pod, if it has one. As `ManagedIdentityCredential` of `@azure/identity` does, this
 * package uses it instead of the managed identity of the machine: a pod must not act as the node that it runs on.
 */
export function workloadIdentityOf(clientId: string | undefined): WorkloadIdentity | undefined {
  const tenantId = process.env['AZURE_TENANT_ID'];
  const tokenFile = process.env['AZURE_FEDERATED_TOKEN_FILE'];
  const ownId = clientId ?? process.env['AZURE_CLIENT_ID'];
  return tenantId && tokenFile && ownId ? { tenantId, clientId: ownId, tokenFile } : undefined;
}

/** Exchanges the token in the file for an access token. The file is read each time: Kubernetes replaces it about hourly. */
export async function exchangeFederatedToken(
  { tenantId, clientId, tokenFile }: WorkloadIdentity,
  scopes: string | string[],
  options?: GetTokenOptions,
): Promise<AccessToken> {
  const clientAssertion = await readToken(tokenFile);
  return acquireByClientCredentials(
    { authorityHost: authorityHostOf({}), tenantId, clientId, clientAuthentication: { clientAssertion } },
    scopes,
    options,
  );
}

async function readToken(tokenFile: string): Promise<string> {
  try {
    return (await readFile(tokenFile, 'utf8')).trim();
  } catch (error) {
    throw new AzureRedisError(
      'TOKEN_UNAVAILABLE',
      `The federated token file ${tokenFile} cannot be read.`,
      'Check that the workload identity webhook has set up this pod; AZURE_FEDERATED_TOKEN_FILE names the file.',
      { cause: error },
    );
  }
}
