import { promisify } from 'node:util';
import { RedisStore } from 'connect-redis';
import type { Request } from 'express';
import type { Session, SessionData } from 'express-session';
import {
  reportUnavailable,
  SessionBusyError,
  SessionEndedError,
  SessionsUnavailableError,
} from './errors.js';
import { defineScripts, type RedisClient } from './scripts.js';
import { groupOfUser, handleOf, keysOf, newGroup, newSessionId, SESSION_PREFIX } from './session-id.js';
import { SessionLock } from './session-lock.js';
import type { LastUse, Ticket } from './ticket.js';

/** In ms. */
export interface SessionTimeouts {
  /** A session ends when it has not been used for so long. */
  readonly idle: number;
  /** A session ends so long after the sign-in, however much it is used. */
  readonly absolute: number;
}

export interface SessionStoreOptions {
  readonly redis: RedisClient;
  readonly timeouts: SessionTimeouts;
  /** The key of the hashes of users' ids; the same in all processes. */
  readonly secret: string;
}

type Callback<Result> = (error: unknown, result?: Result) => void;

/**
 * The store of connect-redis, and what that lacks: keys are hashes of ids, only the holder of its lock changes a session,
 * one that has ended is not brought back, and an absolute timeout ends each.
 */
export class SessionStore extends RedisStore {
  readonly #redis: RedisClient;
  readonly #timeouts: SessionTimeouts;
  readonly #secret: string;
  /** The group of the sessions of a user who is signing in, by request. */
  readonly #groups = new WeakMap<object, string>();
  /** The sessions that were loaded, each with the lock under which it may be saved. */
  readonly #loaded = new WeakMap<object, SessionLock | undefined>();

  constructor({ redis, timeouts, secret }: SessionStoreOptions) {
    // `renew` takes the place of `touch`, which comes after the response, when a failure can no longer be reported.
    super({ client: redis, prefix: SESSION_PREFIX, disableTouch: true });
    defineScripts(redis);
    this.#redis = redis;
    this.#timeouts = timeouts;
    this.#secret = secret;
  }

  /** The id of the next session of a request, for express-session's `genid`. */
  readonly newId = (request: object): string => newSessionId(this.#groups.get(request) ?? newGroup());

  override get(id: string, callback: Callback<SessionData | null>): Promise<void> {
    return settle(this.#load(id), callback);
  }

  override set(id: string, session: SessionData, callback: Callback<undefined>): Promise<void> {
    return settle(this.#loaded.has(session) ? this.#save(id, session) : this.#create(id, session), callback);
  }

  override destroy(id: string, callback: Callback<undefined>): Promise<void> {
    return settle(this.#destroy(id), callback);
  }

  override createSession(request: Request, data: SessionData): Session & SessionData {
    const session = super.createSession(request, data);
    this.#loaded.set(session, undefined);
    return session;
  }

  /**
   * Starts the session of a user who signs in, always with a new id: an attacker who has planted one in the browser does not
   * know it.
   */
  async start(request: Request, ticket: Ticket): Promise<void> {
    this.#groups.set(request, groupOfUser(ticket.userId, this.#secret));
    await call(request.session, 'regenerate');
    try {
      request.session.ticket = ticket;
      request.session.basket = 0;
      await call(request.session, 'save');
    } catch (error) {
      dropSession(request);
      throw error;
    }
  }

  /** Starts the idle timeout again, and records the use. Resolves to false if the session has ended. */
  async renew(id: string, ticket: Ticket, use: LastUse): Promise<boolean> {
    const { session, index } = keysOf(id);
    const outcome = await reportUnavailable(
      this.#redis.renewSession(
        session,
        index,
        this.#secondsLeft(ticket),
        handleOf(id),
        JSON.stringify(use),
        this.#indexSeconds,
      ),
    );
    return outcome === 'renewed';
  }

  /**
   * Changes and saves the session of a request. The changes of a session are made one after another, whichever process
   * makes them, each to what the one before has saved. One that throws saves nothing, and its request has no session any
   * more.
   *
   * @throws SessionEndedError if the session has ended.
   * @throws SessionBusyError if others do not finish in time, or `change` takes longer than the lock lives.
   */
  async update(
    request: Request,
    change: (session: Request['session']) => void | Promise<void>,
  ): Promise<void> {
    await using lock = await SessionLock.acquire(this.#redis, keysOf(request.sessionID).lock);
    try {
      await reload(request.session);
      // Reloading has put another object in place.
      const { session } = request;
      this.#loaded.set(session, lock);
      await change(session);
      await call(session, 'save');
    } catch (error) {
      dropSession(request);
      throw error;
    }
  }

  /** Ends the session of a request. */
  async end(request: Request): Promise<void> {
    await call(request.session, 'destroy');
  }

  async #load(id: string): Promise<SessionData | null> {
    // connect-redis declares no type for what it has read.
    const session = (await reportUnavailable(super.get(nameOf(id)))) as SessionData | null;
    return session && session.ticket.expiresAt > Date.now() ? session : null;
  }

  async #create(id: string, session: SessionData): Promise<undefined> {
    const keys = keysOf(id);
    const { signedInAt, address } = session.ticket;
    const use: LastUse = { at: signedInAt, address };
    await reportUnavailable(
      this.#redis.createSession(
        keys.session,
        keys.index,
        this.serializer.stringify(session),
        this.#secondsLeft(session.ticket),
        handleOf(id),
        JSON.stringify(use),
        this.#indexSeconds,
      ),
    );
  }

  async #save(id: string, session: SessionData): Promise<undefined> {
    const lock = this.#loaded.get(session);
    if (!lock) throw new Error('A session is changed within SessionStore.update() only.');
    const keys = keysOf(id);
    const outcome = await reportUnavailable(
      this.#redis.saveSession(
        keys.session,
        keys.lock,
        lock.holder,
        this.serializer.stringify(session),
        this.#secondsLeft(session.ticket),
      ),
    );
    if (outcome === 'ended') throw new SessionEndedError();
    if (outcome === 'busy') throw new SessionBusyError();
  }

  async #destroy(id: string): Promise<undefined> {
    // The session first: a list that names an ended one is corrected when it is read.
    await reportUnavailable(super.destroy(nameOf(id)));
    await reportUnavailable(this.#redis.hdel(keysOf(id).index, handleOf(id)));
  }

  /** Until the idle or the absolute timeout, whichever comes first. Redis keeps no session for longer. */
  #secondsLeft({ expiresAt }: Ticket): number {
    const left = Math.min(this.#timeouts.idle, expiresAt - Date.now());
    // Redis takes no less.
    return Math.max(Math.ceil(left / 1000), 1);
  }

  /** No session outlives the index, which is renewed with each of them. */
  get #indexSeconds(): number {
    return Math.ceil(this.#timeouts.absolute / 1000);
  }
}

/** connect-redis puts the prefix before it. */
function nameOf(id: string): string {
  return keysOf(id).session.slice(SESSION_PREFIX.length);
}

/** Answers express-session, which takes callbacks. */
async function settle<Result>(outcome: Promise<Result>, callback: Callback<Result>): Promise<void> {
  await outcome.then(
    (result) => {
      callback(null, result);
    },
    (error: unknown) => {
      callback(error);
    },
  );
}

async function call(session: Session, method: 'regenerate' | 'reload' | 'save' | 'destroy'): Promise<void> {
  await promisify((callback: (error: unknown) => void) => session[method](callback))();
}

/** Keeps express-session from saving an unfinished change as the response ends. */
function dropSession(request: Request): void {
  Reflect.deleteProperty(request, 'session');
}

async function reload(session: Session): Promise<void> {
  try {
    await call(session, 'reload');
  } catch (error) {
    if (error instanceof SessionsUnavailableError) throw error;
    throw new SessionEndedError();
  }
}
