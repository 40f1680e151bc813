import { Cluster, Command, Redis } from 'ioredis';
import { Cluster as ClusterOldest5, Command as CommandOldest5, Redis as Oldest5 } from 'ioredis-5.4.0';
import { Cluster as ClusterOldest6, Command as CommandOldest6, Redis as Oldest6 } from 'ioredis-6.0.0';
import { Cluster as Cluster5, Command as Command5, Redis as Redis5 } from 'ioredis5';

/** A version of ioredis, and the protocol of its clients. */
export interface Variant {
  readonly name: string;
  readonly Redis: typeof Redis;
  readonly protocol: 2 | 3;
}

// TypeScript treats the classes of two copies of ioredis as different types.
const RedisOf5 = Redis5 as unknown as typeof Redis;

/** Every supported version and protocol. ioredis 5 speaks RESP2 only. */
export const VARIANTS: readonly [Variant, ...Variant[]] = [
  { name: 'ioredis 6 over RESP3', Redis, protocol: 3 },
  { name: 'ioredis 6 over RESP2', Redis, protocol: 2 },
  { name: 'ioredis 5', Redis: RedisOf5, protocol: 2 },
];

/** Whether this version tells the server its name when it has logged in: 5.4 does not. */
export function sendsClientInfo({ Redis: RedisClass }: Pick<Variant, 'Redis'>): boolean {
  return 'clientInfoTag' in new RedisClass({ lazyConnect: true }).options;
}

/** Whether the clusters of this version have sharded subscribers: from 5.9 on. */
export function hasShardedSubscribers({ Cluster: ClusterClass }: { Cluster: typeof Cluster }): boolean {
  return 'shardedSubscribers' in new ClusterClass([{}], { lazyConnect: true }).options;
}

/** Those whose subscribed connections do not accept AUTH. */
export const RESP2_VARIANTS = VARIANTS.filter(({ protocol }) => protocol === 2);

/** The oldest and the newest version of each major one. */
export const VERSIONS = [
  { name: 'ioredis 5.4.0', Redis: Oldest5, Cluster: ClusterOldest5, Command: CommandOldest5, major: 5 },
  {
    name: 'the newest ioredis 5',
    Redis: Redis5,
    Cluster: Cluster5,
    Command: Command5,
    major: 5,
  },
  { name: 'ioredis 6.0.0', Redis: Oldest6, Cluster: ClusterOldest6, Command: CommandOldest6, major: 6 },
  { name: 'the newest ioredis 6', Redis, Cluster, Command, major: 6 },
] as unknown as readonly {
  readonly name: string;
  readonly Redis: typeof Redis;
  readonly Cluster: typeof Cluster;
  readonly Command: typeof Command;
  readonly major: number;
}[];
