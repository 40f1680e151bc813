import { randomBytes } from 'node:crypto';
import type { AdminConnection } from './admin-connection.js';
import { DENIED_IN_SCRIPTS } from './blocked-commands.js';

/** What an identity may do on the cache: Azure's built-in access policies. */
export type Role = 'Data Owner' | 'Data Contributor' | 'Data Reader';

// https://learn.microsoft.com/azure/azure-cache-for-redis/cache-configure-role-based-access-control
const CLUSTER_COMMANDS = ['+cluster|info', '+cluster|nodes', '+cluster|slots'];
const PERMISSIONS: Readonly<Record<Role, readonly string[]>> = {
  'Data Owner': ['+@all'],
  'Data Contributor': ['+@all', '-@dangerous', ...CLUSTER_COMMANDS],
  'Data Reader': ['+@read', '+@connection', ...CLUSTER_COMMANDS],
};

/** Who may log in, and as what: every identity is an ACL user of the server, whose password only this object knows. */
export class AccessPolicy {
  readonly #admins: AdminConnection[] = [];
  readonly #passwords = new Map<string, string>();
  readonly #roles = new Map<string, Role>();
  #applied: Promise<unknown> = Promise.resolve();

  /** From now on it holds on this server too. */
  async extendTo(admin: AdminConnection): Promise<void> {
    this.#admins.push(admin);
    await Promise.all([...this.#roles].map(([oid, role]) => this.assign(oid, role)));
  }

  /** This server is, or will be, gone. */
  withdrawFrom(admin: AdminConnection): void {
    const index = this.#admins.indexOf(admin);
    if (index !== -1) this.#admins.splice(index, 1);
  }

  /** Gives the identity this role, in place of the one that it had. Connections that are logged in have it at once. */
  async assign(oid: string, role: Role): Promise<void> {
    const password = this.#passwords.get(oid) ?? randomBytes(32).toString('hex');
    this.#passwords.set(oid, password);
    this.#roles.set(oid, role);
    const rules = ['reset', 'on', `>${password}`, 'allkeys', 'allchannels'];
    await this.#apply('ACL', 'SETUSER', oid, ...rules, ...PERMISSIONS[role], ...DENIED_IN_SCRIPTS);
  }

  /** Takes the identity's access away. The server closes the connections that are logged in with it. */
  async remove(oid: string): Promise<void> {
    this.#roles.delete(oid);
    if (this.#passwords.delete(oid)) await this.#apply('ACL', 'DELUSER', oid);
  }

  /** The ACL users that there are. */
  get users(): string[] {
    return [...this.#passwords.keys()];
  }

  /** The password of the identity's ACL user, once the server knows it; `undefined` if it has no access. */
  async passwordOf(oid: string): Promise<string | undefined> {
    await this.#applied;
    return this.#passwords.get(oid);
  }

  /** Changes reach each server in the order in which they were made. */
  async #apply(...command: string[]): Promise<void> {
    const done = Promise.all(this.#admins.map((admin) => admin.call(...command)));
    this.#applied = Promise.allSettled([this.#applied, done]);
    await done;
  }
}
