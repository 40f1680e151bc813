/*
 * All keys of a script are in one hash slot, so that they run on a cluster, too.
 */

/**
 * The clock that orders computations and evictions: the time of the server in µs, which never goes back, whatever a
 * failover does to the time, and which begins later than before if the key is lost. `advance` moves it on.
 */
export const CLOCK = `
local last = tonumber(redis.call('GET', KEYS[1]))
if last and ARGV[1] ~= 'advance' then return last end
local time = redis.call('TIME')
local now = math.max(time[1] * 1000000 + time[2], (last or 0) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', now))
return now
`;

/** Sets the last eviction of a tag, unless a later one is known. */
export const EVICT = `
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) > known then known = tonumber(ARGV[1]) end
redis.call('SET', KEYS[1], string.format('%.0f', known), 'PX', ARGV[2])
return known
`;

/** The last eviction of a tag, which is kept from now on for as long as any response that is stored now. */
export const KEEP_TAG = `
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return tonumber(redis.call('GET', KEYS[1]))
`;

/** Stores a response and releases the lock of its computation; does nothing if the lock has another holder. */
export const SAVE = `
if ARGV[1] ~= '' then
  if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
  redis.call('DEL', KEYS[3])
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'meta', ARGV[4], 'body', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`;

/** Releases a lock, if it is still one's own. */
export const UNLOCK = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
