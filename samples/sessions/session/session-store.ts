import { promisify } from 'node:util';
import type { Request } from 'express';
import { Store, type Session, type SessionData } from 'express-session';
import { Mutex } from 'redis-semaphore';
import {
  reportUnavailable,
  SessionBusyError,
  SessionEndedError,
  SessionsUnavailableError,
} from './errors.js';
import { defineScripts, type RedisClient } from './scripts.js';
import { groupOfUser, handleOf, keysOf, newGroup, newSessionId } from './session-id.js';
import { parseSession, type LastUse, type Ticket } from './ticket.js';

/** In ms. */
export interface SessionTimeouts {
  /** A session ends when it has not been used for so long. */
  readonly idle: number;
  /** A session ends so long after the sign-in, however much it is used. */
  readonly absolute: number;
}

export interface SessionStoreOptions {
  readonly redis: RedisClient;
  /** The beginning of all keys. */
  readonly prefix: string;
  readonly timeouts: SessionTimeouts;
  /** The key of the hashes of users' ids; the same in all processes. */
  readonly secret: string;
}

type Callback<Result> = (error: unknown, result?: Result) => void;

/** After this time the lock of a process that has died is free again, in ms. */
const LOCK_LIFETIME = 10_000;

/** How long a request waits for those before it, in ms. */
const LOCK_TIMEOUT = 8_000;

/**
 * A store of express-session. Keys are hashes of ids, only the holder of its lock changes a session, one that has ended is not
 * brought back, and an absolute timeout ends each. (connect-redis has none of these, and takes no ioredis client any more.)
 */
export class SessionStore extends Store {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #timeouts: SessionTimeouts;
  readonly #secret: string;
  /** The group of the sessions of a user who is signing in, by request. */
  readonly #groups = new WeakMap<object, string>();
  /** The sessions that were loaded, each with the lock under which it may be saved. */
  readonly #loaded = new WeakMap<object, Mutex | undefined>();

  // There is no `touch`, which comes after the response, when a failure can no longer be reported: `renew` takes its place.
  constructor({ redis, prefix, timeouts, secret }: SessionStoreOptions) {
    super();
    this.#prefix = prefix;
    defineScripts(redis);
    this.#redis = redis;
    this.#timeouts = timeouts;
    this.#secret = secret;
  }

  /** The id of the next session of a request, for express-session's `genid`. */
  readonly newId = (request: object): string => newSessionId(this.#groups.get(request) ?? newGroup());

  override get(id: string, callback: Callback<SessionData | null>): void {
    settle(this.#load(id), callback);
  }

  override set(id: string, session: SessionData, callback: Callback<undefined>): void {
    settle(this.#loaded.has(session) ? this.#save(id, session) : this.#create(id, session), callback);
  }

  override destroy(id: string, callback: Callback<undefined>): void {
    settle(this.#destroy(id), callback);
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
    const { session, index } = keysOf(this.#prefix, id);
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
    const lock = new Mutex(this.#redis, keysOf(this.#prefix, request.sessionID).lock, {
      lockTimeout: LOCK_LIFETIME,
      acquireTimeout: LOCK_TIMEOUT,
      retryInterval: 20,
      refreshInterval: 0,
    });
    if (!(await reportUnavailable(lock.tryAcquire()))) throw new SessionBusyError();
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
    } finally {
      // What was saved stays saved: if Redis is unavailable now, the lock expires by itself.
      await lock.release().catch(() => undefined);
    }
  }

  /** Ends the session of a request. */
  async end(request: Request): Promise<void> {
    await call(request.session, 'destroy');
  }

  async #load(id: string): Promise<SessionData | null> {
    const session = parseSession(await reportUnavailable(this.#redis.get(keysOf(this.#prefix, id).session)));
    return session && session.ticket.expiresAt > Date.now() ? session : null;
  }

  async #create(id: string, session: SessionData): Promise<undefined> {
    const keys = keysOf(this.#prefix, id);
    const { signedInAt, address } = session.ticket;
    const use: LastUse = { at: signedInAt, address };
    await reportUnavailable(
      this.#redis.createSession(
        keys.session,
        keys.index,
        JSON.stringify(session),
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
    const keys = keysOf(this.#prefix, id);
    const outcome = await reportUnavailable(
      this.#redis.saveSession(
        keys.session,
        // The library puts this before the name of its key.
        `mutex:${keys.lock}`,
        lock.identifier,
        JSON.stringify(session),
        this.#secondsLeft(session.ticket),
      ),
    );
    if (outcome === 'ended') throw new SessionEndedError();
    if (outcome === 'busy') throw new SessionBusyError();
  }

  async #destroy(id: string): Promise<undefined> {
    // The session first: a list that names an ended one is corrected when it is read.
    const { session, index } = keysOf(this.#prefix, id);
    await reportUnavailable(this.#redis.del(session));
    await reportUnavailable(this.#redis.hdel(index, handleOf(id)));
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

/** Answers express-session, which takes callbacks. */
function settle<Result>(outcome: Promise<Result>, callback: Callback<Result>): void {
  outcome.then(
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
