/**
 * What answers at the endpoint of a cache:
 *
 * - `cluster`: one of several nodes, each of which has a part of the keys and names the others (the OSS cluster policy of Azure
 *   Managed Redis, or a clustered Premium cache of Azure Cache for Redis). It needs a `Cluster`.
 * - `single`: a server or proxy with all keys (the Enterprise policy, or no clustering). It needs a `Redis`.
 * - `unknown`: the role permits no command that would tell.
 */
export type CacheKind = 'cluster' | 'single' | 'unknown';

/** The answer to a command: a reply, or the message of an error reply. */
export type Answer = { readonly reply: unknown } | { readonly error: string };

/**
 * The commands whose answers tell the kind, of which a role may permit none. Send them together: one round trip. The keys are
 * in the first and in the last slots, which are at different nodes, so that every node is asked for one that it does not have.
 */
export const KIND_COMMANDS: readonly (readonly [command: string, ...args: string[]])[] = [
  ['CLUSTER', 'SLOTS'],
  ['GET', 'ioredis-azure:4339'],
  ['GET', 'ioredis-azure:5265'],
];

/** @param answers Those to `KIND_COMMANDS`, in their order. */
export function cacheKindOf([slots, ...values]: readonly Answer[]): CacheKind {
  if (values.some((answer) => 'error' in answer && answer.error.startsWith('MOVED '))) return 'cluster';
  if (!slots) return 'unknown';
  if ('reply' in slots) return Array.isArray(slots.reply) && slots.reply.length > 0 ? 'cluster' : 'single';
  // Any other error says that the server knows no clusters.
  return slots.error.startsWith('NOPERM') ? 'unknown' : 'single';
}
