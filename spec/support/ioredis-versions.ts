import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';

/** An ioredis, and the protocol that its clients speak. */
export interface Variant {
  readonly name: string;
  readonly Redis: typeof Redis;
  readonly protocol: 2 | 3;
}

// TypeScript takes the classes of two copies of ioredis for two different things.
const RedisOf5 = Redis5 as unknown as typeof Redis;

/** Every ioredis and protocol that is supported. ioredis 5 speaks RESP2 only. */
export const VARIANTS: readonly Variant[] = [
  { name: 'ioredis 6 over RESP3', Redis, protocol: 3 },
  { name: 'ioredis 6 over RESP2', Redis, protocol: 2 },
  { name: 'ioredis 5', Redis: RedisOf5, protocol: 2 },
];

/** Those in which a subscribed connection takes no AUTH. */
export const RESP2_VARIANTS = VARIANTS.filter(({ protocol }) => protocol === 2);
