import type { TokenCredential } from '@azure/core-auth';
import type { ManagedIdentityConfiguration } from '@azure/msal-node';
import { AzureRedisError } from '../errors.js';
import { checkFields, checkText, conflictingOptions, invalidOption, kindOf, shown } from '../validation.js';
import { acquireByClientCredentials, type ConfidentialClient } from './service-principal.js';
import { authorityHostOf } from './authority.js';
import { MsalNetwork } from './msal-network.js';

/**
 * The option `managedIdentity`: `true` for the system-assigned managed identity of the Azure resource that the program
 * runs on (virtual machine, App Service, Functions, Container Apps, Azure Arc …), an id for a user-assigned one. In an
 * AKS pod with a workload identity, `true` and `clientId` stand for that.
 */
export type ManagedIdentityOption =
  | true
  | {
      /** The client id of a user-assigned managed identity. */
      readonly clientId: string;
    }
  | {
      /** The Azure resource id of a user-assigned managed identity: `/subscriptions/…`. */
      readonly resourceId: string;
    }
  | {
      /** The object id (principal id) of a user-assigned managed identity. */
      readonly objectId: string;
    };

const HINT =
  'Set it to true for the system-assigned managed identity, or to { clientId }, { resourceId } or { objectId } for a user-assigned one.';

/**
 * Checks the option `managedIdentity`.
 *
 * @throws AzureRedisError `INVALID_OPTION` or `CONFLICTING_OPTIONS`.
 */
export function checkManagedIdentity(value: unknown): void {
  if (value === true) return;
  if (typeof value !== 'object' || value === null) {
    throw invalidOption(`\`managedIdentity\` must be true or an object, got ${kindOf(value)}.`, HINT);
  }
  const ids = Object.entries(checkFields('managedIdentity', value, ['clientId', 'resourceId', 'objectId']));
  const [first, second] = ids;
  if (first === undefined) throw invalidOption('`managedIdentity` must have one id, got none.', HINT);
  if (second !== undefined) {
    throw conflictingOptions(
      `\`managedIdentity.${first[0]}\` conflicts with \`managedIdentity.${second[0]}\`.`,
      'Set one of them: each identifies the managed identity.',
    );
  }
  const [key, id] = first;
  checkText(`managedIdentity.${key}`, id, HINT);
  if (key === 'resourceId' && !/^\/subscriptions\//i.test(String(id))) {
    throw invalidOption(
      `\`managedIdentity.resourceId\` must be an Azure resource id, got ${shown(id)}.`,
      'Set it to /subscriptions/…/resourcegroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/… (Azure portal, Properties).',
    );
  }
}

// One for all: msal keeps the network of the first managed identity for the life of the process.
const network = new MsalNetwork('The managed identity endpoint', false);

/** A credential that requests each token from the identity endpoint of the machine. The first request loads msal. */
export function managedIdentityCredential(identity: ManagedIdentityOption): TokenCredential {
  return {
    getToken: async (scopes, options = {}) => {
      const workload = await workloadIdentityFor(identity);
      if (workload) return acquireByClientCredentials(workload, scopes, options);
      const { ManagedIdentityApplication } = await import('@azure/msal-node');
      const application = new ManagedIdentityApplication({
        managedIdentityIdParams: idParams(identity),
        // The caller retries, and can be aborted; the retries of msal take up to a minute and cannot.
        system: { networkClient: network, disableInternalRetries: true },
      });
      const [resource = ''] = [scopes].flat();
      return network.acquire(options.abortSignal, () =>
        application.acquireToken({ resource, forceRefresh: true }),
      );
    },
  };
}

function idParams(
  identity: ManagedIdentityOption,
): NonNullable<ManagedIdentityConfiguration['managedIdentityIdParams']> {
  if (identity === true) return {};
  if ('clientId' in identity) return { userAssignedClientId: identity.clientId };
  if ('resourceId' in identity) return { userAssignedResourceId: identity.resourceId };
  return { userAssignedObjectId: identity.objectId };
}

/**
 * The workload identity of this AKS pod, if it has one. As `ManagedIdentityCredential` of `@azure/identity` does, this
 * package uses it instead of the managed identity of the machine: a pod must not act as the node that it runs on.
 */
async function workloadIdentityFor(identity: ManagedIdentityOption): Promise<ConfidentialClient | undefined> {
  if (identity !== true && !('clientId' in identity)) return undefined;
  const {
    AZURE_TENANT_ID: tenantId,
    AZURE_FEDERATED_TOKEN_FILE: tokenFile,
    AZURE_CLIENT_ID: ownId,
  } = process.env;
  const clientId = identity === true ? ownId : identity.clientId;
  if (!tenantId || !tokenFile || !clientId) return undefined;
  // The file is read each time: Kubernetes replaces it about hourly.
  const clientAuthentication = { clientAssertion: await readToken(tokenFile) };
  return { authorityHost: authorityHostOf(), tenantId, clientId, clientAuthentication };
}

async function readToken(tokenFile: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(tokenFile, 'utf8').catch((cause: unknown) => {
    throw noFederatedToken(`The federated token file ${tokenFile} cannot be read.`, { cause });
  });
  const token = text.trim();
  if (token === '') throw noFederatedToken(`The federated token file ${tokenFile} is empty.`);
  return token;
}

function noFederatedToken(message: string, options?: { cause: unknown }): AzureRedisError {
  const hint =
    'Check that the workload identity webhook has set up this pod; AZURE_FEDERATED_TOKEN_FILE names the file.';
  return new AzureRedisError('TOKEN_UNAVAILABLE', message, hint, options);
}
