import { randomUUID } from 'node:crypto';
import { assertOption, checkFields, checkText } from '../../lib/validation.js';
import { assertOid } from '../login.js';
import { Application, type ApplicationOptions } from './application.js';
import { unknownApplication, unknownTenant, unknownUser, wrongPassword } from './entra-error.js';

/** A user of the tenant. */
export interface User {
  /** The object id, which is the user name on the cache. */
  readonly objectId: string;
  /** The name that the user signs in with. */
  readonly username: string;
  /** The display name. */
  readonly name: string;
}

/** The options of `EntraEmulator.addUser()`. */
export interface UserOptions {
  /** The user name for the sign-in. Default: a new one in the tenant's domain. */
  readonly username?: string;
  /** The password for the sign-in. */
  readonly password: string;
  /** The object id, which is the user name on the cache. Default: a new one. */
  readonly objectId?: string;
}

/** A managed identity. */
export interface ManagedIdentity {
  /** The object id, which is the user name on the cache. */
  readonly objectId: string;
  /** The client id, for `managedIdentity: { clientId }`. */
  readonly clientId: string;
  /** The Azure resource id, for `managedIdentity: { resourceId }`. */
  readonly resourceId: string;
}

/** The applications, users and managed identities of the tenant. */
export class Directory {
  readonly tenantId: string;
  /** The tenant's domain, which can replace its id in a URL. */
  readonly domain = 'localentra.onmicrosoft.com';
  readonly #applications = new Map<string, Application>();
  readonly #users = new Map<string, { readonly user: User; readonly password: string }>();
  readonly #managedIdentities = new Set<ManagedIdentity>();
  #systemAssigned: ManagedIdentity | undefined;

  constructor(tenantId: string) {
    this.tenantId = tenantId;
  }

  addApplication(options: ApplicationOptions): Application {
    const application = new Application(options);
    this.#applications.set(application.clientId, application);
    return application;
  }

  addUser(options: UserOptions): User {
    checkFields('options', options, ['username', 'password', 'objectId']);
    const { password, objectId = randomUUID(), username = `user-${objectId}@${this.domain}` } = options;
    checkText('password', password, 'Set it to the password for the sign-in.');
    assertOid(objectId, 'objectId');
    checkText(
      'username',
      username,
      'Remove it to get a new one, or set the name that the user signs in with.',
    );
    const [name = username] = username.split('@');
    const user = { objectId, username, name };
    this.#users.set(username.toLowerCase(), { user, password });
    return user;
  }

  addManagedIdentity(
    kind: 'systemAssigned' | 'userAssigned',
    objectId: string = randomUUID(),
  ): ManagedIdentity {
    const kinds = ['systemAssigned', 'userAssigned'];
    assertOption(kinds.includes(kind), 'kind', kind, "'systemAssigned' or 'userAssigned'");
    assertOid(objectId, 'objectId');
    const name = kind === 'systemAssigned' ? 'virtualMachines/local' : `userAssignedIdentities/${objectId}`;
    const provider = kind === 'systemAssigned' ? 'Microsoft.Compute' : 'Microsoft.ManagedIdentity';
    const identity = {
      objectId,
      clientId: randomUUID(),
      resourceId: `/subscriptions/${randomUUID()}/resourcegroups/local/providers/${provider}/${name}`,
    };
    if (kind === 'systemAssigned') this.#systemAssigned = identity;
    else this.#managedIdentities.add(identity);
    return identity;
  }

  /** The tenant in a URL; throws if there is no such tenant. */
  checkTenant(tenant: string): void {
    const known = [this.tenantId, this.domain, 'common', 'organizations'];
    if (!known.includes(tenant.toLowerCase())) throw unknownTenant(tenant);
  }

  application(clientId: string): Application {
    const application = this.#applications.get(clientId);
    if (!application) throw unknownApplication(clientId, this.tenantId);
    return application;
  }

  /** The user with this name and password; throws if there is none. */
  signIn(username: string, password: string): User {
    const found = this.#users.get(username.trim().toLowerCase());
    if (!found) throw unknownUser(username);
    if (found.password !== password) throw wrongPassword();
    return found.user;
  }

  /** The user-assigned identity with this id of this kind; without an id, the system-assigned identity. */
  managedIdentity(id?: {
    readonly kind: keyof ManagedIdentity;
    readonly value: string;
  }): ManagedIdentity | undefined {
    if (!id) return this.#systemAssigned;
    const wanted = id.value.toLowerCase();
    return [...this.#managedIdentities].find((identity) => identity[id.kind].toLowerCase() === wanted);
  }
}
