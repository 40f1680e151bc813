import type { SessionData } from 'express-session';
import { reportUnavailable } from './errors.js';
import type { RedisClient } from './scripts.js';
import { indexKey, sessionKey } from './session-id.js';
import type { LastUse, Ticket } from './ticket.js';

export interface ListedSession {
  readonly handle: string;
  readonly ticket: Ticket;
  readonly lastUse: LastUse;
}

/** All sessions of a user, on whichever devices. What is ended here is refused from its next request on. */
export class UserSessions {
  readonly #redis: RedisClient;
  readonly #group: string;

  constructor(redis: RedisClient, group: string) {
    this.#redis = redis;
    this.#group = group;
  }

  /** The one that was used last comes first. */
  list(): Promise<ListedSession[]> {
    return reportUnavailable(this.#list());
  }

  /** Ends these sessions. Others, and those that have ended already, stay as they are. */
  async end(handles: readonly string[]): Promise<void> {
    if (handles.length === 0) return;
    const sessions = handles.map((handle) => sessionKey(this.#group, handle));
    // DEL of several keys is atomic: of "all my devices", none outlives another.
    await reportUnavailable(this.#redis.del(...sessions));
    await reportUnavailable(this.#redis.hdel(indexKey(this.#group), ...handles));
  }

  async #list(): Promise<ListedSession[]> {
    const uses = Object.entries(await this.#redis.hgetall(indexKey(this.#group)));
    if (uses.length === 0) return [];
    const sessions = await this.#redis.mget(uses.map(([handle]) => sessionKey(this.#group, handle)));
    const listed: ListedSession[] = [];
    const ended: string[] = [];
    uses.forEach(([handle, use], position) => {
      const session = sessions[position];
      if (session) listed.push({ handle, ticket: ticketOf(session), lastUse: JSON.parse(use) as LastUse });
      else ended.push(handle);
    });
    // Redis ends sessions by itself when they expire, but leaves them in the list.
    if (ended.length > 0) await this.#redis.hdel(indexKey(this.#group), ...ended);
    return listed.sort((one, other) => other.lastUse.at - one.lastUse.at);
  }
}

function ticketOf(session: string): Ticket {
  return (JSON.parse(session) as SessionData).ticket;
}
