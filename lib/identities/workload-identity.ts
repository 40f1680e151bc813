import { readFile } from 'node:fs/promises';
import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import { AzureRedisError } from '../errors.js';
import { authorityHostOf } from './authority.js';
import { acquireByClientCredentials } from './client-credentials.js';

/** An identity whose proof is the token that Kubernetes keeps in a file, as AKS sets it up for a pod. */
export interface WorkloadIdentity {
  readonly tenantId: string;
  readonly clientId: string;
  readonly tokenFile: string;
}

/**
 * The workload identity that AKS gave this pod, if any. `ManagedIdentityCredential` of `@azure/identity` uses it in
 * place of the machine's managed identity, and so does this package: a pod must not become the node that it runs on.
 */
export function workloadIdentityOf(clientId: string | undefined): WorkloadIdentity | undefined {
  const tenantId = process.env['AZURE_TENANT_ID'];
  const tokenFile = process.env['AZURE_FEDERATED_TOKEN_FILE'];
  const ownId = clientId ?? process.env['AZURE_CLIENT_ID'];
  return tenantId && tokenFile && ownId ? { tenantId, clientId: ownId, tokenFile } : undefined;
}

/** A new token in exchange for the one in the file, which Kubernetes replaces every hour or so: it is read each time. */
export async function exchangeFederatedToken(
  { tenantId, clientId, tokenFile }: WorkloadIdentity,
  scopes: string | string[],
  options?: GetTokenOptions,
): Promise<AccessToken> {
  const clientAssertion = await readToken(tokenFile);
  return acquireByClientCredentials(
    { authorityHost: authorityHostOf({}), tenantId, clientId, proof: { clientAssertion } },
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
      'AZURE_FEDERATED_TOKEN_FILE names it: check that the workload identity webhook has set up this pod.',
      { cause: error },
    );
  }
}
