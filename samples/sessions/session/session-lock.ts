import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportUnavailable, SessionBusyError } from './errors.js';
import type { RedisClient } from './scripts.js';

/** After this time the lock of a process that has died is free again, in ms. */
const LIFETIME = 10_000;

/** How long a request waits for those before it, in ms. */
const MAX_WAIT = 8_000;

/** Between two attempts, in ms, at random: of many that wait, few try at once. */
const MAX_PAUSE = 40;

/** The right to change a session, which one request at a time has, whichever process serves it. */
export class SessionLock implements AsyncDisposable {
  /** Proves to `saveSession` whose the lock is. */
  readonly holder = randomUUID();
  readonly #redis: RedisClient;
  readonly #key: string;

  private constructor(redis: RedisClient, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** @throws SessionBusyError if others do not release it in time. */
  static async acquire(redis: RedisClient, key: string): Promise<SessionLock> {
    const lock = new SessionLock(redis, key);
    const deadline = performance.now() + MAX_WAIT;
    while (!(await lock.#tryAcquire())) {
      if (performance.now() > deadline) throw new SessionBusyError();
      await sleep(randomInt(1, MAX_PAUSE));
    }
    return lock;
  }

  async #tryAcquire(): Promise<boolean> {
    const reply = await reportUnavailable(this.#redis.set(this.#key, this.holder, 'PX', LIFETIME, 'NX'));
    return reply === 'OK';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What was saved stays saved: if Redis is unavailable now, the lock expires by itself.
    await this.#redis.releaseLock(this.#key, this.holder).catch(() => undefined);
  }
}
