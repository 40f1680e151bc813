import { createHash, createHmac, randomBytes } from 'node:crypto';

/** 256 bits, which cannot be guessed. */
const SECRET_BYTES = 32;

/** 128 bits, in base64url. */
const GROUP_LENGTH = 22;

/**
 * The id of a session is all that its cookie holds: the group, which the sessions of one user share, and a random secret.
 * Redis contains hashes of both only, so that a reader of the cache cannot forge a cookie.
 */
export function newSessionId(group: string): string {
  return `${group}.${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** The group of a user's sessions. Without the key, it does not reveal the user. */
export function groupOfUser(userId: string, key: string): string {
  return createHmac('sha256', key)
    .update(`session-group:${userId}`)
    .digest('base64url')
    .slice(0, GROUP_LENGTH);
}

/** A group for a visitor who has not signed in. */
export function newGroup(): string {
  return randomBytes(16).toString('base64url');
}

export function groupOfSession(id: string): string {
  return id.slice(0, GROUP_LENGTH);
}

/** What a session is called in public, such as in a form, and in Redis. It is of no use as an id. */
export function handleOf(id: string): string {
  return hash(id);
}

/** The keys of a session: its data, its lock, and the list of all sessions of its user. */
export function keysOf(prefix: string, id: string): { session: string; lock: string; index: string } {
  const group = groupOfSession(id);
  const handle = handleOf(id);
  return {
    session: sessionKey(prefix, group, handle),
    lock: `${prefix}session-lock:${hashTagOf(group)}:${handle}`,
    index: indexKey(prefix, group),
  };
}

export function sessionKey(prefix: string, group: string, handle: string): string {
  return `${prefix}session:${hashTagOf(group)}:${handle}`;
}

export function indexKey(prefix: string, group: string): string {
  return `${prefix}sessions:${hashTagOf(group)}`;
}

/** On a clustered cache, keys with the same hash tag are in one slot: a script can use all those of a user. */
function hashTagOf(group: string): string {
  return `{${hash(group).slice(0, GROUP_LENGTH)}}`;
}

/** Neither a salt nor a slow hash is needed: unlike a password, 256 random bits cannot be found by trying. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
