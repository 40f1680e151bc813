import { reportUnavailable } from './errors.js';
import type { RedisClient } from './scripts.js';
import { indexKey, sessionKey } from './session-id.js';
import { parseSession, parseUse, type LastUse, type Ticket } from './ticket.js';

export interface ListedSession {
  readonly handle: string;
  readonly ticket: Ticket;
  readonly lastUse: LastUse;
}

/** All sessions of a user, on whichever devices. What is ended here is refused from its next request on. */
export class UserSessions {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #group: string;

  constructor(redis: RedisClient, prefix: string, group: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#group = group;
  }

  /** The one that was used last comes first. */
  list(): Promise<ListedSession[]> {
    return reportUnavailable(this.#list());
  }

  /** Ends these sessions. Others, and those that have ended already, stay as they are. */
  async end(handles: readonly string[]): Promise<void> {
    if (handles.length === 0) return;
    const sessions = handles.map((handle) => sessionKey(this.#prefix, this.#group, handle));
    // DEL of several keys is atomic: of "all my devices", none outlives another.
    await reportUnavailable(this.#redis.del(...sessions));
    await reportUnavailable(this.#redis.hdel(indexKey(this.#prefix, this.#group), ...handles));
  }

  async #list(): Promise<ListedSession[]> {
    const uses = Object.entries(await this.#redis.hgetall(indexKey(this.#prefix, this.#group)));
    if (uses.length === 0) return [];
    const sessions = await this.#redis.mget(
      uses.map(([handle]) => sessionKey(this.#prefix, this.#group, handle)),
    );
    const listed: ListedSession[] = [];
    const ended: string[] = [];
    uses.forEach(([handle, use], position) => {
      const ticket = parseSession(sessions[position])?.ticket;
      if (ticket) listed.push({ handle, ticket, lastUse: parseUse(use, ticket) });
      else ended.push(handle);
    });
    // Redis ends sessions by itself when they expire, but leaves them in the list.
    if (ended.length > 0) await this.#redis.hdel(indexKey(this.#prefix, this.#group), ...ended);
    return listed.sort((one, other) => other.lastUse.at - one.lastUse.at);
  }
}
