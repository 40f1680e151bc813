import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';

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

/** Those whose subscribed connections do not accept AUTH. */
export const RESP2_VARIANTS = VARIANTS.filter(({ protocol }) => protocol === 2);
