import { randomBytes } from 'node:crypto';
import type { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';
import type { IdentityKind } from '../identity-flags.js';
import { type RoleFlag, roleOf } from './flags.js';

/** An identity of the emulator, with its secrets. */
export interface EmulatorIdentity {
  /** The kind, as in the flag `--identity` of `doctor`. */
  readonly kind: IdentityKind;
  readonly label: string;
  /** The Redis user name. */
  readonly objectId: string;
  readonly clientId: string;
  readonly resourceId?: string;
  readonly clientSecret?: string;
  readonly username?: string;
  readonly password?: string;
}

/** Where a browser returns to after the sign-in of a user. */
const REDIRECT_URIS = ['http://localhost'];

/** Adds an identity of each kind, with this role on the cache. */
export async function addIdentities(
  entra: EntraEmulator,
  azure: AzureRedisEmulator,
  roleFlag: RoleFlag,
): Promise<EmulatorIdentity[]> {
  const application = entra.addApplication({ redirectUris: REDIRECT_URIS });
  const signInApplication = entra.addApplication({ publicClient: true, redirectUris: REDIRECT_URIS });
  const password = randomBytes(12).toString('base64url');
  const identities: EmulatorIdentity[] = [
    {
      kind: 'system-assigned',
      label: 'system-assigned managed identity',
      ...entra.addManagedIdentity('systemAssigned'),
    },
    {
      kind: 'user-assigned',
      label: 'user-assigned managed identity',
      ...entra.addManagedIdentity('userAssigned'),
    },
    {
      kind: 'client-secret',
      label: 'service principal',
      objectId: application.objectId,
      clientId: application.clientId,
      clientSecret: application.addSecret(),
    },
    {
      kind: 'user',
      label: 'user',
      ...entra.addUser({ password }),
      clientId: signInApplication.clientId,
      password,
    },
  ];
  const role = roleOf(roleFlag);
  if (role !== undefined) {
    await Promise.all(identities.map(({ objectId }) => azure.assignRole(objectId, role)));
  }
  return identities;
}
