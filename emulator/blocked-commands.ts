import { encodeCommand } from './resp/encode.js';

/** The Azure service that is emulated: Azure Managed Redis or Azure Cache for Redis. */
export type Product = 'managed' | 'cache';

/**
 * Blocked for every role in both services.
 * Source: "Redis commands not supported in Azure Cache for Redis" (learn.microsoft.com, cache-configure).
 */
const BLOCKED = [
  'acl',
  'bgrewriteaof',
  'bgsave',
  'config',
  'debug',
  'migrate',
  'psync',
  'replconf',
  'replicaof',
  'save',
  'shutdown',
  'slaveof',
  'sync',
] as const;

/**
 * Blocked in Azure Managed Redis too, which runs Redis Enterprise. Source: its command compatibility (redis.io). RESET, which
 * it does not support either, is permitted here: clients are tested with it.
 */
const BLOCKED_MANAGED = [
  'failover',
  'lastsave',
  'latency',
  'move',
  'restore-asking',
  'role',
  'swapdb',
] as const;

/** The subcommands of CLIENT that Azure Managed Redis blocks. Same source. */
const BLOCKED_CLIENT_SUBCOMMANDS: ReadonlySet<string> = new Set([
  'caching',
  'getredir',
  'no-evict',
  'pause',
  'reply',
  'tracking',
  'trackinginfo',
  'unpause',
]);

/** The subcommands of a blocked command that are permitted: those that read. CLUSTER is blocked except for these. */
const READ_ONLY: Readonly<Record<string, readonly string[]>> = {
  acl: ['cat', 'help', 'whoami'],
  cluster: [
    'count-failure-reports',
    'countkeysinslot',
    'getkeysinslot',
    'help',
    'info',
    'keyslot',
    'links',
    'myid',
    'myshardid',
    'nodes',
    'replicas',
    'shards',
    'slaves',
    'slots',
  ],
};

const BLOCKED_BY_PRODUCT: Readonly<Record<Product, ReadonlySet<string>>> = {
  cache: new Set([...BLOCKED, 'cluster']),
  managed: new Set([...BLOCKED, ...BLOCKED_MANAGED, 'cluster']),
};

/** The commands whose arguments the endpoint has to read to decide whether they are blocked. */
export const POSSIBLY_BLOCKED: ReadonlySet<string> = BLOCKED_BY_PRODUCT.managed;

/** The ACL rules that block the commands in scripts, where the endpoint does not see them. */
export const DENIED_IN_SCRIPTS: readonly string[] = [
  ...BLOCKED.map((name) => `-${name}`),
  ...(READ_ONLY['acl'] ?? []).map((name) => `+acl|${name}`),
];

/** Whether Azure answers this command with `ERR unknown command`. */
export function isBlocked([name, subcommand]: readonly Buffer[], product: Product): boolean {
  const command = lowerCase(name);
  if (command === 'client')
    return product === 'managed' && BLOCKED_CLIENT_SUBCOMMANDS.has(lowerCase(subcommand));
  if (!BLOCKED_BY_PRODUCT[product].has(command)) return false;
  return READ_ONLY[command]?.includes(lowerCase(subcommand)) !== true;
}

/**
 * Renames the command to one that redis-server does not know, so that the server itself answers `ERR unknown command`, in
 * the right place, and aborts a transaction that contains the command. The name ends in a zero-width space, which makes it
 * look like the original in the reply.
 */
export function asUnknownCommand([name = Buffer.alloc(0), ...rest]: readonly Buffer[]): Buffer {
  return encodeCommand([Buffer.concat([name, Buffer.from('\u200b')]), ...rest]);
}

function lowerCase(arg: Buffer | undefined): string {
  return arg?.toString('latin1').toLowerCase() ?? '';
}
