import { randomBytes } from 'node:crypto';
import type { AdminConnection } from './admin-connection.js';
import { DENIED_IN_SCRIPTS } from './blocked-commands.js';

/** A role of an identity on the cache: one of Azure's built-in access policies. */
export type Role = 'Data Owner' | 'Data Contributor' | 'Data Reader';

// https://learn.microsoft.com/azure/azure-cache-for-redis/cache-configure-role-based-access-control
const CLUSTER_COMMANDS = ['+cluster|info', '+cluster|nodes', '+cluster|slots'];
const PERMISSIONS: Readonly<Record<Role, readonly string[]>> = {
  'Data Owner': ['+@all'],
  'Data Contributor': ['+@all', '-@dangerous', ...CLUSTER_COMMANDS],
  'Data Reader': ['+@read', '+@connection', ...CLUSTER_COMMANDS],
};

/** The roles of the identities. Each identity is an ACL user of the servers, whose password only this object knows. */
export class AccessPolicy {
  readonly #admins: AdminConnection[] = [];
  readonly #passwords = new Map<string, string>();
  readonly #roles = new Map<string, Role>();
  #applied: Promise<unknown> = Promise.resolve();

  /** Applies the policy to this server too. */
  async extendTo(admin: AdminConnection): Promise<void> {
    this.#admins.push(admin);
    await Promise.all([...this.#roles].map(([oid, role]) => this.assign(oid, role)));
  }

  /** This server has ended, or is about to. */
  withdrawFrom(admin: AdminConnection): void {
    const index = this.#admins.indexOf(admin);
    if (index !== -1) this.#admins.splice(index, 1);
  }

  /** Assigns this role to the identity, in place of its previous one; this includes its open connections. */
  async assign(oid: string, role: Role): Promise<void> {
    const password = this.#passwords.get(oid) ?? randomBytes(32).toString('hex');
    this.#passwords.set(oid, password);
    this.#roles.set(oid, role);
    const rules = ['reset', 'on', `>${password}`, 'allkeys', 'allchannels'];
    await this.#apply('ACL', 'SETUSER', oid, ...rules, ...PERMISSIONS[role], ...DENIED_IN_SCRIPTS);
  }

  /** Removes the identity's access. The server closes the connections that are logged in with it. */
  async remove(oid: string): Promise<void> {
    this.#roles.delete(oid);
    if (this.#passwords.delete(oid)) await this.#apply('ACL', 'DELUSER', oid);
  }

  /** The names of the ACL users. */
  get users(): string[] {
    return [...this.#passwords.keys()];
  }

  /** The password of the identity's ACL user, once the server knows it; `undefined` if it has no access. */
  async passwordOf(oid: string): Promise<string | undefined> {
    await this.#applied;
    return this.#passwords.get(oid);
  }

  /** Applies changes to each server in their order. */
  async #apply(...command: string[]): Promise<void> {
    const done = Promise.all(this.#admins.map((admin) => admin.call(...command)));
    this.#applied = Promise.allSettled([this.#applied, done]);
    await done;
  }
}
