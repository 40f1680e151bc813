import type { RedisClient } from '../../../../samples/sessions/session/scripts.js';

/** All keys of a single cache and their values, one in a line, other than those that count attempts. */
export async function everythingIn(redis: RedisClient): Promise<string> {
  const keys = (await redis.keys('*')).filter((key) => !key.startsWith('sign-in-'));
  const lines = keys.sort().map(async (key) => {
    const isHash = (await redis.type(key)) === 'hash';
    return `${key} ${isHash ? JSON.stringify(await redis.hgetall(key)) : await redis.get(key)}`;
  });
  return (await Promise.all(lines)).join('\n');
}
