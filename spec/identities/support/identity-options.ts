import type { TokenCredential } from '@azure/core-auth';
import { AuthorizationCodeFlow } from '../../../lib/identities/authorization-code-flow.js';
import { defaultCredential } from '../../../lib/identities/default-credential.js';
import {
  managedIdentityCredential,
  type ManagedIdentityOption,
} from '../../../lib/identities/managed-identity.js';
import {
  servicePrincipalCredential,
  type ServicePrincipalOption,
} from '../../../lib/identities/service-principal.js';
import { signIn } from './sign-in.js';

/** An identity, told in a way that can be sent to another process. */
export type IdentityDescription =
  | { readonly kind: 'default' }
  | { readonly kind: 'managedIdentity'; readonly option: ManagedIdentityOption }
  | { readonly kind: 'servicePrincipal'; readonly option: ServicePrincipalOption }
  | { readonly kind: 'credential'; readonly name: LibraryCredential }
  | {
      readonly kind: 'authorizationCode';
      readonly application: { readonly clientId: string; readonly tenantId: string };
      readonly user: { readonly username: string; readonly password: string };
    };

/** Credentials of `@azure/identity`, each set up by the environment. */
export type LibraryCredential =
  | 'EnvironmentCredential'
  | 'WorkloadIdentityCredential'
  | 'ManagedIdentityCredential'
  | 'DefaultAzureCredential'
  | 'ChainedTokenCredential';

/** What `configureForAzure()` is given for an identity, beside host and port. */
export interface IdentityOptions {
  credential?: TokenCredential;
  managedIdentity?: ManagedIdentityOption;
  servicePrincipal?: ServicePrincipalOption;
}

/** The options for an identity, in a process whose environment is that of its case. */
export async function identityOptions(identity: IdentityDescription): Promise<IdentityOptions> {
  switch (identity.kind) {
    case 'default':
      return {};
    case 'managedIdentity':
      return { managedIdentity: identity.option };
    case 'servicePrincipal':
      return { servicePrincipal: identity.option };
    case 'credential':
      return { credential: await libraryCredential(identity.name) };
    case 'authorizationCode':
      return { credential: await signedIn(identity.application, identity.user) };
  }
}

/** The credential that stands behind an identity's options. */
export async function credentialOf(identity: IdentityDescription): Promise<TokenCredential> {
  const { credential, managedIdentity, servicePrincipal } = await identityOptions(identity);
  if (credential) return credential;
  if (managedIdentity !== undefined) return managedIdentityCredential(managedIdentity);
  return servicePrincipal ? servicePrincipalCredential(servicePrincipal) : defaultCredential();
}

async function libraryCredential(name: LibraryCredential): Promise<TokenCredential> {
  // Loaded here: most identities do without, and it takes half a second.
  const library = await import('@azure/identity');
  // EntraEmulator is no authority that Azure's public cloud, which would be asked, knows of.
  const options = { disableInstanceDiscovery: true };
  switch (name) {
    case 'EnvironmentCredential':
      return new library.EnvironmentCredential(options);
    case 'WorkloadIdentityCredential':
      return new library.WorkloadIdentityCredential(options);
    case 'ManagedIdentityCredential':
      return new library.ManagedIdentityCredential();
    case 'DefaultAzureCredential':
      return new library.DefaultAzureCredential(options);
    case 'ChainedTokenCredential':
      return new library.ChainedTokenCredential(
        new library.ClientSecretCredential('nowhere.onmicrosoft.com', 'nobody', 'nothing', options),
        new library.EnvironmentCredential(options),
      );
  }
}

async function signedIn(
  application: { readonly clientId: string; readonly tenantId: string },
  user: { readonly username: string; readonly password: string },
): Promise<TokenCredential> {
  const flow = new AuthorizationCodeFlow({ ...application, redirectUri: 'http://localhost:8400/signed-in' });
  return flow.redeem(await signIn(await flow.authorizationUrl(), user));
}
