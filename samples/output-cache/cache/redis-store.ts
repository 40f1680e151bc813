import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { Multiplexer } from 'ioredis-azure';
import { CachedResponse, resourceOf, variantOf, type CacheRequest } from './cached-response.js';
import { CLOCK, EVICT, KEEP_TAG, SAVE, UNLOCK } from './scripts.js';

export interface RedisStoreOptions {
  /** The beginning of its keys and channel. */
  readonly namespace: string;
  /** The longest time that a response is stored, in ms. */
  readonly maxTimeToLive: number;
  /** How long a computation may take before another process begins it, too, in ms. */
  readonly lockTimeout: number;
}

/** What the store has for a request. */
export type Lookup =
  | { readonly kind: 'hit'; readonly entry: CachedResponse }
  /** Responses of this URL could not be stored lately: computations need not wait for one another. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'miss'; readonly variant: string };

/** The right to compute a response. */
export interface Lock {
  readonly variant: string;
  readonly token: string;
}

interface Index {
  readonly vary?: readonly string[];
  readonly pass?: true;
}

/** For how long computations of a response that cannot be stored do not wait for one another, in ms. */
const PASS_TIME = 10_000;

/** How long to wait for the news that a lock was released before looking again: a message can be lost, in ms. */
const LONGEST_WAIT = 250;

/**
 * Responses, their tags and the locks of their computations in Redis. A tag holds the time of its last eviction: a
 * response whose computation began before it is not used any more, whenever it was stored.
 */
export class RedisStore {
  readonly #connect: () => Promise<Multiplexer>;
  readonly #options: RedisStoreOptions;
  readonly #released = new EventEmitter().setMaxListeners(0);
  #multiplexer: Multiplexer | undefined;
  #isClosed = false;

  constructor(connect: () => Promise<Multiplexer>, options: RedisStoreOptions) {
    this.#connect = connect;
    this.#options = options;
  }

  isUp(): boolean {
    return this.#multiplexer?.interactive.status === 'ready';
  }

  /** Connects if that has not succeeded yet, and asks the server. */
  async probe(): Promise<void> {
    this.#multiplexer ??= await this.#open();
    await this.now();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#multiplexer?.close();
  }

  /** Where the responses to requests like this one are expected, as long as nothing is known of their `Vary`. */
  variantOf(request: CacheRequest): string {
    return this.#variant(request, []);
  }

  async find(request: CacheRequest): Promise<Lookup> {
    const plainVariant = this.variantOf(request);
    const [stored, plainEntry] = await Promise.all([
      this.#redis.get(this.#index(request)),
      this.#read(plainVariant),
    ]);
    const { pass, vary = [] } = parseIndex(stored);
    if (pass) return { kind: 'pass' };
    const variant = this.#variant(request, vary);
    const entry = variant === plainVariant ? plainEntry : await this.#read(variant);
    if (!entry?.satisfies(request) || !(await this.isCurrent(entry))) return { kind: 'miss', variant };
    return { kind: 'hit', entry };
  }

  /** Whether none of its tags was evicted since its computation began. */
  async isCurrent({ tags, stamp }: CachedResponse): Promise<boolean> {
    const evictions = await Promise.all(tags.map((tag) => this.#redis.get(this.#tag(tag))));
    // A tag that the server has dropped for want of memory may have been evicted.
    return evictions.every((evicted) => evicted !== null && Number(evicted) <= stamp);
  }

  /** The time on the clock of the store. */
  async now(): Promise<number> {
    return Number(await this.#redis.eval(CLOCK, 1, this.#key('clock'), 'read'));
  }

  /** Acquires the lock if it is free. */
  async lock(variant: string): Promise<Lock | 'held'> {
    const token = randomUUID();
    const { lockTimeout } = this.#options;
    const taken = await this.#redis.set(lockOf(variant), token, 'PX', lockTimeout, 'NX');
    return taken === null ? 'held' : { variant, token };
  }

  /** Resolves when the lock is released, or at the next poll. */
  async released(variant: string): Promise<void> {
    await once(this.#released, variant, { signal: AbortSignal.timeout(LONGEST_WAIT) }).catch(() => undefined);
  }

  /** Stores a response, unless one of its tags was evicted since its computation began, or the lock has passed on. */
  async save(request: CacheRequest, entry: CachedResponse, lock: Lock | undefined): Promise<void> {
    const timeToLive = Math.min(entry.timeToLive, this.#options.maxTimeToLive);
    if (timeToLive > 0 && (await this.#keepTags(entry))) {
      const variant = this.#variant(request, entry.vary);
      await this.#redis.eval(
        SAVE,
        3,
        this.#index(request),
        variant,
        lockOf(lock?.variant ?? variant),
        lock?.token ?? '',
        timeToLive,
        JSON.stringify({ vary: entry.vary } satisfies Index),
        entry.serialize(),
        entry.body,
      );
    }
  }

  /** Says that responses of this URL cannot be stored. */
  async pass(request: CacheRequest): Promise<void> {
    await this.#redis.set(
      this.#index(request),
      JSON.stringify({ pass: true } satisfies Index),
      'PX',
      PASS_TIME,
    );
  }

  async unlock({ variant, token }: Lock): Promise<void> {
    await this.#redis.eval(UNLOCK, 1, lockOf(variant), token);
    await this.#redis.publish(this.#key('released'), variant);
  }

  /** From now on no response with this tag is used whose computation has begun by now. */
  async evict(tag: string): Promise<void> {
    const now = Number(await this.#redis.eval(CLOCK, 1, this.#key('clock'), 'advance'));
    await this.#redis.eval(EVICT, 1, this.#tag(tag), now, this.#tagTime);
  }

  async #open(): Promise<Multiplexer> {
    const multiplexer = await this.#connect();
    await multiplexer.subscribe(this.#key('released'), (variant) => {
      this.#released.emit(variant);
    });
    if (this.#isClosed) await multiplexer.close();
    return multiplexer;
  }

  get #redis(): Multiplexer['interactive'] {
    if (!this.#multiplexer) throw new Error('The cache is not connected yet.');
    return this.#multiplexer.interactive;
  }

  /** A tag outlives every response that has it. */
  get #tagTime(): number {
    return this.#options.maxTimeToLive + 60_000;
  }

  async #read(variant: string): Promise<CachedResponse | undefined> {
    const [meta, body] = await this.#redis.hmgetBuffer(variant, 'meta', 'body');
    return meta && body ? CachedResponse.parse(meta, body) : undefined;
  }

  /** As `isCurrent()`, of a response that is about to be stored: its tags are known from now on. */
  async #keepTags({ tags, stamp }: CachedResponse): Promise<boolean> {
    if (tags.length === 0) return true;
    const now = await this.now();
    const evictions = await Promise.all(
      tags.map((tag) => this.#redis.eval(KEEP_TAG, 1, this.#tag(tag), now, this.#tagTime)),
    );
    return evictions.every((evicted) => Number(evicted) <= stamp);
  }

  #key(name: string): string {
    return `${this.#options.namespace}:${name}`;
  }

  #tag(tag: string): string {
    return this.#key(`tag:${tag}`);
  }

  /** The braces keep all keys of a URL in one slot of a cluster. */
  #index(request: CacheRequest): string {
    return this.#key(`{${resourceOf(request)}}`);
  }

  #variant(request: CacheRequest, vary: readonly string[]): string {
    return `${this.#index(request)}:${variantOf(request, vary)}`;
  }
}

function lockOf(variant: string): string {
  return `${variant}:lock`;
}

function parseIndex(stored: string | null): Index {
  // Written by `save()` and `pass()`.
  return stored === null ? {} : (JSON.parse(stored) as Index);
}
