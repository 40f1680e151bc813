import { randomBytes } from 'node:crypto';
import { assertOption, invalidOption } from '../lib/validation.js';
import type { AdminConnection } from './admin-connection.js';
import { DENIED_IN_SCRIPTS } from './blocked-commands.js';
import { RedisReplyError } from './resp/decode.js';

/** Redis ACL rules for commands, keys and channels: `+@read ~app:*`. Without a rule for channels, all are permitted. */
export type AccessString = `${'+' | '-' | '~' | '%' | '&'}${string}`;

/**
 * The access policy of an identity. Azure Managed Redis has `default`, which permits everything, and access strings; Azure
 * Cache for Redis has the other three, and access strings. Each emulator accepts all of them.
 */
export type Role = 'default' | 'Data Owner' | 'Data Contributor' | 'Data Reader' | AccessString;

// https://learn.microsoft.com/azure/azure-cache-for-redis/cache-configure-role-based-access-control
const CLUSTER_COMMANDS = ['+cluster|info', '+cluster|nodes', '+cluster|slots'];
const PERMISSIONS: Readonly<Record<Exclude<Role, AccessString>, readonly string[]>> = {
  default: ['+@all'],
  'Data Owner': ['+@all'],
  'Data Contributor': ['+@all', '-@dangerous', ...CLUSTER_COMMANDS],
  'Data Reader': ['+@read', '+@connection', ...CLUSTER_COMMANDS],
};

/** A rule that only adds or removes permissions: an access string must not touch passwords. */
const ACCESS_RULE = /^([+-]@?[\w|.-]+|~\S+|%R?W?~\S+|&\S+|(all|reset)(keys|channels)|(all|no)commands)$/i;

const CHANNEL_RULE = /^&|^(all|reset)channels$/i;

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertRole(role: unknown): asserts role is Role {
  const isRole = typeof role === 'string' && (role in PERMISSIONS || rulesIn(role).every(isAccessRule));
  const names = Object.keys(PERMISSIONS).map((name) => `'${name}'`);
  assertOption(isRole, 'role', role, `${names.join(', ')} or an access string`, {
    hint: "Access strings are rules of Redis' ACL, for example '+@read ~app:*'.",
  });
}

function rulesIn(accessString: string): string[] {
  return accessString.trim().split(/\s+/);
}

function isAccessRule(rule: string): boolean {
  return ACCESS_RULE.test(rule);
}

/** The ACL rules of a role. */
function rulesOf(role: Role): readonly string[] {
  if (role in PERMISSIONS)
    return ['allkeys', 'allchannels', ...PERMISSIONS[role as keyof typeof PERMISSIONS]];
  const rules = rulesIn(role);
  return rules.some((rule) => CHANNEL_RULE.test(rule)) ? rules : ['allchannels', ...rules];
}

/** The roles of the identities. Each identity is an ACL user of the servers, whose password only this object knows. */
export class AccessPolicy {
  readonly #admins: AdminConnection[] = [];
  readonly #passwords = new Map<string, string>();
  readonly #roles = new Map<string, Role>();
  /** Why a server did not accept the role of an identity. */
  readonly #refusals = new Map<string, string>();
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
  assign(oid: string, role: Role): Promise<void> {
    return this.#settled(this.#assign(oid, role));
  }

  async #assign(oid: string, role: Role): Promise<void> {
    const password = this.#passwords.get(oid) ?? randomBytes(32).toString('hex');
    const previous = this.#roles.get(oid);
    this.#passwords.set(oid, password);
    this.#roles.set(oid, role);
    this.#refusals.delete(oid);
    const rules = ['reset', 'on', `>${password}`, ...rulesOf(role), ...DENIED_IN_SCRIPTS];
    try {
      await this.#apply('ACL', 'SETUSER', oid, ...rules);
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      if (previous !== undefined) {
        this.#roles.set(oid, previous);
      } else {
        this.#roles.delete(oid);
        this.#passwords.delete(oid);
      }
      const reason = `redis-server does not accept the role '${role}': ${error.message}.`;
      this.#refusals.set(oid, reason);
      throw invalidOption(reason, 'Correct the names of commands and categories in it.', error);
    }
  }

  /** Removes the identity's access. The server closes the connections that are logged in with it. */
  async remove(oid: string): Promise<void> {
    this.#roles.delete(oid);
    if (this.#passwords.delete(oid)) await this.#settled(this.#apply('ACL', 'DELUSER', oid));
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

  /** Why the identity has no access. */
  reasonOf(oid: string): string {
    return this.#refusals.get(oid) ?? 'the identity has no access policy on this cache';
  }

  /** Logins wait for the whole of a change: also until a role that a server refuses is taken back. */
  #settled(change: Promise<void>): Promise<void> {
    this.#applied = Promise.allSettled([this.#applied, change]);
    return change;
  }

  /** Applies changes to each server in their order. */
  async #apply(...command: string[]): Promise<void> {
    await Promise.all(this.#admins.map((admin) => admin.call(...command)));
  }
}
