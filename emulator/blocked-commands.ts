import { AzureRedisError } from '../lib/index.js';
import { encodeCommand } from './resp/encode.js';

/** The Azure service that is emulated: Azure Cache for Redis or Azure Managed Redis. */
export type Product = 'cache' | 'managed';

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

/** Blocked in Azure Managed Redis too, which runs Redis Enterprise. Source: its command compatibility (redis.io). */
const BLOCKED_MANAGED = ['failover', 'lastsave', 'latency', 'restore-asking', 'role', 'swapdb'] as const;

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

/** @throws AzureRedisError `INVALID_OPTION` */
export function assertProduct(product: unknown): asserts product is Product | undefined {
  if (product === undefined || product === 'cache' || product === 'managed') return;
  throw new AzureRedisError(
    'INVALID_OPTION',
    `\`product\` must be 'cache' or 'managed', got ${JSON.stringify(product)}.`,
    "Use 'cache' for Azure Cache for Redis, 'managed' for Azure Managed Redis.",
  );
}

/** Whether Azure answers this command with `ERR unknown command`. */
export function isBlocked([name, subcommand]: readonly Buffer[], product: Product): boolean {
  const command = name?.toString('latin1').toLowerCase() ?? '';
  if (!BLOCKED_BY_PRODUCT[product].has(command)) return false;
  return READ_ONLY[command]?.includes(subcommand?.toString('latin1').toLowerCase() ?? '') !== true;
}

/**
 * Renames the command to one that redis-server does not know, so that the server itself answers `ERR unknown command`, in
 * the right place, and aborts a transaction that contains the command. The name ends in a zero-width space, which makes it
 * look like the original in the reply.
 */
export function asUnknownCommand([name = Buffer.alloc(0), ...rest]: readonly Buffer[]): Buffer {
  return encodeCommand([Buffer.concat([name, Buffer.from('\u200b')]), ...rest]);
}
