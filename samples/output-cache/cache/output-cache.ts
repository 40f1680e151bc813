import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Multiplexer } from 'ioredis-azure';
import { CachedResponse, type CacheRequest } from './cached-response.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { Flights } from './flights.js';
import { holdResponse } from './held-response.js';
import { RedisStore, type Lock, type Lookup } from './redis-store.js';
import { directivesOf, isCandidate } from './request-directives.js';
import { hideConditions, sendCached, sendHeld, setCacheStatus, withValidator } from './send.js';
import { tagsOf } from './tags.js';
import { within } from './within.js';

export interface OutputCacheOptions {
  /** The beginning of all keys in Redis. Default: `output-cache`. */
  readonly namespace?: string;
  /** Larger responses are not stored, in bytes. Default: 1 MiB. */
  readonly maxBodySize?: number;
  /** Responses are stored for this time at most, in ms. Default: a day. */
  readonly maxTimeToLive?: number;
  /**
   * How long requests wait for the computation of another one, in ms; then they compute for themselves. Default: 10000.
   */
  readonly lockTimeout?: number;
  /** How often a cache that has failed is probed, in ms. Default: 1000. */
  readonly probeInterval?: number;
  /** The cache has failed: responses are computed without it. */
  readonly unavailable?: (error: unknown) => void;
  /** The cache is used again. */
  readonly available?: () => void;
}

/** A request, with what Express gives to answer it. */
interface Exchange {
  readonly asked: CacheRequest;
  readonly request: Request;
  readonly response: Response;
  readonly next: NextFunction;
  /** Whether it has waited for a response that was not the one it needed. */
  readonly hasWaited?: true;
}

type Land = (entry: CachedResponse | undefined) => void;

/** What a computation gave: an entry, unless the response may not be stored. */
interface Computed {
  readonly entry?: CachedResponse | undefined;
  /** Whether the next response is expected to be like this one. */
  readonly isRepeatable: boolean;
}

const UNAVAILABLE = { kind: 'unavailable' } as const;

/**
 * A shared HTTP cache (RFC 9111) before the handlers of an Express application, in Redis: `Cache-Control`, `Vary` and `ETag` are
 * honoured, equal requests at once make one computation, and entries are evicted by tag. While the cache is down, responses
 * are computed without it.
 */
export class OutputCache {
  /** The middleware; use it before the handlers whose responses are to be cached. */
  readonly middleware: RequestHandler = (request, response, next) => this.#handle(request, response, next);
  readonly #store: RedisStore;
  readonly #breaker: CircuitBreaker;
  readonly #maxBodySize: number;
  readonly #lockTimeout: number;
  readonly #flights = new Flights<CachedResponse>();
  /** Evictions that were not sent to the cache, because it failed. */
  readonly #pendingEvictions = new Set<string>();

  private constructor(connect: () => Promise<Multiplexer>, options: Required<OutputCacheOptions>) {
    this.#store = new RedisStore(connect, options);
    this.#maxBodySize = options.maxBodySize;
    this.#lockTimeout = options.lockTimeout;
    this.#breaker = new CircuitBreaker(
      { isUp: () => this.#store.isUp(), probe: () => this.#restore() },
      { probeInterval: options.probeInterval, opened: options.unavailable, closed: options.available },
    );
  }

  /**
   * Resolves when the cache is connected, or cannot be reached: then it is connected as soon as it can.
   *
   * @param connect Connects a multiplexer, which the output cache closes. Give it a short `commandTimeout`: it is the
   *   longest time that a request loses when the cache fails.
   */
  static async start(
    connect: () => Promise<Multiplexer>,
    options: OutputCacheOptions = {},
  ): Promise<OutputCache> {
    const cache = new OutputCache(connect, {
      namespace: 'output-cache',
      maxBodySize: 1024 * 1024,
      maxTimeToLive: 24 * 60 * 60 * 1_000,
      lockTimeout: 10_000,
      probeInterval: 1_000,
      unavailable: () => undefined,
      available: () => undefined,
      ...options,
    });
    await cache.#breaker.start();
    return cache;
  }

  /**
   * From now on no response with this tag is served whose computation has begun by now.
   *
   * @returns whether the eviction was sent to the cache; if not, it is sent as soon as the cache is available.
   */
  async evict(tag: string): Promise<boolean> {
    this.#pendingEvictions.add(tag);
    return this.#breaker.run(async () => {
      await this.#restore();
      return true;
    }, false);
  }

  /** Closes the connection. From now on everything is computed. */
  async close(): Promise<void> {
    this.#breaker.stop();
    await this.#store.close();
  }

  async #handle(request: Request, response: Response, next: NextFunction): Promise<void> {
    if (!isCandidate(request)) {
      setCacheStatus(response, 'fwd=bypass');
      next();
      return;
    }
    // Handlers see the request without its conditions, and below the path where they are mounted.
    const asked = { url: request.originalUrl, headers: { ...request.headers } };
    await this.#answer({ asked, request, response, next });
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { asked, request, response, next } = exchange;
    const { onlyIfCached, wantsNewResponse } = directivesOf(request);
    const lookup = await this.#find(asked);
    if (lookup.kind === 'hit') {
      sendCached(request, response, lookup.entry, 'hit');
    } else if (onlyIfCached) {
      response.status(504).end();
    } else if (request.method === 'HEAD') {
      setCacheStatus(response, 'fwd=method');
      next();
    } else if (lookup.kind === 'pass' || wantsNewResponse) {
      await this.#computeAlone(exchange, wantsNewResponse ? 'fwd=request' : 'fwd=miss');
    } else {
      await this.#computeTogether(exchange, lookup);
    }
  }

  /** One of the requests that are equal computes; the others wait for its response. */
  async #computeTogether(exchange: Exchange, lookup: Lookup | typeof UNAVAILABLE): Promise<void> {
    const { asked, request, response } = exchange;
    const variant = lookup.kind === 'miss' ? lookup.variant : this.#store.variantOf(asked);
    const joined = this.#flights.joined(variant);
    if (!joined) {
      await this.#flights.begin(variant, (land) =>
        lookup.kind === 'miss' ? this.#lead(exchange, variant, land) : this.#leadWithoutCache(exchange, land),
      );
      return;
    }
    const shared = await within(this.#lockTimeout, joined);
    if (shared?.satisfies(asked) && (await this.#isCurrent(shared))) {
      sendCached(request, response, shared, 'fwd=miss; collapsed');
    } else if (shared && !exchange.hasWaited) {
      await this.#answer({ ...exchange, hasWaited: true });
    } else {
      await this.#computeAlone(exchange, 'fwd=miss');
    }
  }

  async #leadWithoutCache(exchange: Exchange, land: Land): Promise<void> {
    const computed = await this.#compute(exchange, 'fwd=bypass; detail=unavailable');
    land(computed.entry);
  }

  async #lead(exchange: Exchange, variant: string, land: Land): Promise<void> {
    const { asked, request, response, next } = exchange;
    const turn = await this.#takeTurn(variant, asked);
    if (turn instanceof CachedResponse) {
      land(turn);
      sendCached(request, response, turn, 'fwd=miss; collapsed');
      return;
    }
    const computation = this.#compute(exchange, 'fwd=miss');
    const computed = await within(this.#lockTimeout, computation);
    // Nobody waits for it any more, but its own client.
    if (!computed) computation.catch(next);
    await this.#keep(asked, computed, turn);
    land(computed?.entry);
  }

  /**
   * Waits for the lock, or for the response of the process that has it. Resolves to nothing if the computation is not to
   * wait: after the time that is allowed for one, and without the cache.
   */
  async #takeTurn(variant: string, asked: CacheRequest): Promise<CachedResponse | Lock | undefined> {
    const end = performance.now() + this.#lockTimeout;
    while (performance.now() < end) {
      const released = this.#store.released(variant);
      const lock = await this.#breaker.run(() => this.#store.lock(variant), undefined);
      if (lock === 'held') await released;
      // Whoever had the lock may have stored a response meanwhile.
      const lookup = await this.#find(asked);
      if (lookup.kind === 'hit') {
        if (lock !== 'held') await this.#keep(asked, undefined, lock);
        return lookup.entry;
      }
      if (lock !== 'held') return lock;
      if (lookup.kind !== 'miss') return undefined;
    }
    return undefined;
  }

  async #computeAlone(exchange: Exchange, cacheStatus: string): Promise<void> {
    await this.#keep(exchange.asked, await this.#compute(exchange, cacheStatus), undefined);
  }

  /** Has the handlers respond, and sends their response. */
  async #compute({ asked, request, response, next }: Exchange, cacheStatus: string): Promise<Computed> {
    // Without the time of the store, it could not be known later whether the response was evicted since.
    const stamp = await this.#breaker.run(() => this.#store.now(), 0);
    setCacheStatus(response, cacheStatus);
    // If the handlers looked at the conditions, there might be no body to store.
    const restoreConditions = hideConditions(request);
    const holding = holdResponse(response, this.#maxBodySize);
    next();
    const held = await holding;
    restoreConditions();
    if (!held) return { isRepeatable: true };
    const complete = withValidator(response, held);
    const entry = CachedResponse.of(asked, complete, { tags: tagsOf(response), stamp });
    sendHeld(request, response, complete);
    return { entry, isRepeatable: held.status < 500 };
  }

  /** Stores the response, and releases the lock. */
  async #keep(asked: CacheRequest, computed: Computed | undefined, lock: Lock | undefined): Promise<void> {
    await this.#breaker.run(async () => {
      if (computed?.entry) await this.#store.save(asked, computed.entry, lock);
      else if (lock && computed?.isRepeatable) await this.#store.pass(asked);
      if (lock) await this.#store.unlock(lock);
    }, undefined);
  }

  #find(asked: CacheRequest): Promise<Lookup | typeof UNAVAILABLE> {
    return this.#breaker.run(() => this.#store.find(asked), UNAVAILABLE);
  }

  #isCurrent(entry: CachedResponse): Promise<boolean> {
    return this.#breaker.run(() => this.#store.isCurrent(entry), true);
  }

  /** Sends missed evictions before a response is served from the cache. */
  async #restore(): Promise<void> {
    await this.#store.probe();
    for (const tag of this.#pendingEvictions) {
      await this.#store.evict(tag);
      this.#pendingEvictions.delete(tag);
    }
  }
}
