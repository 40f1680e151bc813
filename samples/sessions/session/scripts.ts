import type { Cluster, Redis, Result } from 'ioredis';

/** A client for a single cache or for a clustered one. */
export type RedisClient = Redis | Cluster;

/** Saves a new session, and lists it among those of its user. */
const CREATE_SESSION = `
local session, index = KEYS[1], KEYS[2]
local value, seconds, handle, use, indexSeconds = unpack(ARGV)
redis.call('SET', session, value, 'EX', seconds)
redis.call('HSET', index, handle, use)
redis.call('EXPIRE', index, indexSeconds)
return 'saved'
`;

/**
 * Saves an existing session, for the holder of its lock. It does not restore one that has ended in the meantime; and who held the
 * lock for longer than it lives overwrites nothing that a later holder has saved.
 */
const SAVE_SESSION = `
local session, lock = KEYS[1], KEYS[2]
local holder, value, seconds = unpack(ARGV)
if redis.call('EXISTS', session) == 0 then return 'ended' end
if redis.call('GET', lock) ~= holder then return 'busy' end
redis.call('SET', session, value, 'EX', seconds)
return 'saved'
`;

/** Starts the idle timeout of a session again, and records its use. */
const RENEW_SESSION = `
local session, index = KEYS[1], KEYS[2]
local seconds, handle, use, indexSeconds = unpack(ARGV)
if redis.call('EXPIRE', session, seconds) == 0 then return 'ended' end
redis.call('HSET', index, handle, use)
redis.call('EXPIRE', index, indexSeconds)
return 'renewed'
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    createSession(
      session: string,
      index: string,
      value: string,
      seconds: number,
      handle: string,
      use: string,
      indexSeconds: number,
    ): Result<'saved', Context>;
    saveSession(
      session: string,
      lock: string,
      holder: string,
      value: string,
      seconds: number,
    ): Result<'saved' | 'busy' | 'ended', Context>;
    renewSession(
      session: string,
      index: string,
      seconds: number,
      handle: string,
      use: string,
      indexSeconds: number,
    ): Result<'renewed' | 'ended', Context>;
  }
}

/** Gives a client the commands above. */
export function defineScripts(redis: RedisClient): void {
  redis.defineCommand('createSession', { numberOfKeys: 2, lua: CREATE_SESSION });
  redis.defineCommand('saveSession', { numberOfKeys: 2, lua: SAVE_SESSION });
  redis.defineCommand('renewSession', { numberOfKeys: 2, lua: RENEW_SESSION });
}
