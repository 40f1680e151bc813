import type { AccessToken, GetTokenOptions, TokenCredential } from '@azure/core-auth';
import type { ManagedIdentityConfiguration } from '@azure/msal-node';
import { AzureRedisError } from '../errors.js';
import { MsalNetwork } from './msal-network.js';
import { checkObject, checkText, invalidOption } from './option-checks.js';
import { exchangeFederatedToken, workloadIdentityOf } from './workload-identity.js';

/**
 * The option `managedIdentity`: `true` is the system-assigned managed identity of what the program runs on (a virtual
 * machine, App Service, Functions, Container Apps, Azure Arc ...); an id names a user-assigned one. In an AKS pod with
 * a workload identity, `true` and `clientId` are that.
 */
export type ManagedIdentityOption =
  true | { readonly clientId: string } | { readonly resourceId: string } | { readonly objectId: string };

const HINT =
  'Give true for the system-assigned managed identity, or one of { clientId }, { resourceId } and { objectId } for a user-assigned one.';

/**
 * Checks the option `managedIdentity`.
 *
 * @throws AzureRedisError `INVALID_OPTION` or `CONFLICTING_OPTIONS`.
 */
export function checkManagedIdentity(value: unknown): void {
  if (value === true) return;
  if (typeof value !== 'object') throw invalidOption('managedIdentity is neither true nor an object.', HINT);
  const ids = Object.entries(checkObject('managedIdentity', value, ['clientId', 'resourceId', 'objectId']));
  const [first, second] = ids;
  if (first === undefined) throw invalidOption('managedIdentity names no identity.', HINT);
  if (second !== undefined) {
    throw new AzureRedisError(
      'CONFLICTING_OPTIONS',
      `managedIdentity has both ${first[0]} and ${second[0]}.`,
      'Give one of them: each names the identity alone.',
    );
  }
  const [key, id] = first;
  checkText(`managedIdentity.${key}`, id, HINT);
  if (key === 'resourceId' && !/^\/subscriptions\//i.test(String(id))) {
    throw invalidOption(
      'managedIdentity.resourceId is no resource id.',
      'It looks like /subscriptions/…/resourcegroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/… (Azure portal, Properties).',
    );
  }
}

/** A credential that asks the machine's identity endpoint each time; msal is loaded when it is first asked. */
export function managedIdentityCredential(identity: ManagedIdentityOption): TokenCredential {
  return new ManagedIdentityTokenCredential(identity);
}

// One for all: of what managed identities are given, msal keeps the first network for as long as the process runs.
const network = new MsalNetwork({ name: 'The managed identity endpoint', isRemote: false });

class ManagedIdentityTokenCredential implements TokenCredential {
  readonly #identity: ManagedIdentityOption;

  constructor(identity: ManagedIdentityOption) {
    this.#identity = identity;
  }

  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const workload = workloadIdentityFor(this.#identity);
    if (workload) return exchangeFederatedToken(workload, scopes, options);

    const { ManagedIdentityApplication } = await import('@azure/msal-node');
    const application = new ManagedIdentityApplication({
      managedIdentityIdParams: idParams(this.#identity),
      // Whoever asks retries, and can be stopped; msal's retries take up to a minute and cannot.
      system: { networkClient: network, disableInternalRetries: true },
    });
    const [resource = ''] = [scopes].flat();
    return network.acquire(options.abortSignal, () =>
      application.acquireToken({ resource, forceRefresh: true }),
    );
  }
}

function workloadIdentityFor(identity: ManagedIdentityOption): ReturnType<typeof workloadIdentityOf> {
  if (identity === true) return workloadIdentityOf(undefined);
  return 'clientId' in identity ? workloadIdentityOf(identity.clientId) : undefined;
}

function idParams(
  identity: ManagedIdentityOption,
): NonNullable<ManagedIdentityConfiguration['managedIdentityIdParams']> {
  if (identity === true) return {};
  if ('clientId' in identity) return { userAssignedClientId: identity.clientId };
  if ('resourceId' in identity) return { userAssignedResourceId: identity.resourceId };
  return { userAssignedObjectId: identity.objectId };
}
