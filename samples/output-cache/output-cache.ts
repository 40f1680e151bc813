import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Cluster, Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { capture, isPersonal, type Captured } from './capture.js';

/** What the application says of a route. */
export interface Policy {
  /** For how long a response is served, in ms; a day at most. */
  readonly duration: number;
  /** The query parameters on which the response depends; others have no effect. Default: all. */
  readonly varyByQuery?: readonly string[];
  /** The request headers on which it depends. Default: none. */
  readonly varyByHeader?: readonly string[];
  /** What else it depends on, such as the language that was negotiated. */
  readonly varyBy?: (request: Request) => string;
  /** The tags by which it is evicted. */
  readonly tags?: (request: Request) => readonly string[];
}

export interface OutputCacheOptions {
  /** Resolves to a client whose commands fail soon, and without a connection at once. Tried until it does. */
  readonly connect: () => Promise<Redis | Cluster>;
  /** The beginning of all keys. */
  readonly prefix: string;
  /** Called with the error when the cache fails, and with nothing when it is used again. */
  readonly report: (error?: unknown) => void;
}

/** The versions of the tags of a response. `undefined`: the cache is down. */
type Tags = readonly (string | null)[] | undefined;

interface Entry extends Captured {
  /** When its computation began, in ms since 1970. */
  readonly since: number;
  /** At that time. */
  readonly tags: Tags;
}

interface Found {
  readonly entry?: Entry | undefined;
  readonly tags: Tags;
}

/** A request that may be answered from the cache, and what it takes to answer it. */
interface Exchange {
  readonly key: string;
  readonly tagKeys: readonly string[];
  readonly policy: Policy;
  readonly request: Request;
  readonly response: Response;
  readonly next: NextFunction;
}

const DAY = 86_400_000;
const PROBE_INTERVAL = 1_000;

/** How long a request waits for the computation of another one, in ms, before it computes for itself. */
const WAIT_TIMEOUT = 10_000;

/**
 * Caches responses in Redis for all processes of a service, as the application says for each route: the counterpart of
 * ASP.NET's output caching. While the cache is down, responses are computed, at once.
 */
export class OutputCache {
  readonly #options: OutputCacheOptions;
  /** The computations of this process, by key; equal requests await them. */
  readonly #flights = new Map<string, Promise<Entry | undefined>>();
  #client: Redis | Cluster | undefined;
  #isUp = false;

  constructor(options: OutputCacheOptions) {
    this.#options = options;
    void this.#probe();
  }

  /** The middleware of a route: `app.get('/reports', cache.output({ duration: 60_000 }), handler)`. */
  output(policy: Policy): RequestHandler {
    return async (request, response, next) => {
      if (request.method === 'GET' && !isPersonal(request)) {
        await this.#answer({ ...this.#keysOf(request, policy), policy, request, response, next });
      } else {
        response.set('Cache-Status', 'output-cache; fwd=bypass');
        next();
      }
    };
  }

  /** From now on, no response with this tag is served whose computation began before. @throws if the cache does not answer. */
  async evict(tag: string): Promise<void> {
    if (!this.#client || !this.#isUp) throw new Error('The output cache is not available.');
    // No response lives for longer.
    await this.#client.set(this.#tagKey(tag), randomUUID(), 'PX', DAY);
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { entry, tags } = await this.#find(exchange);
    const flight = this.#flights.get(exchange.key);
    if (entry) {
      send(exchange, entry, 'hit');
    } else if (flight) {
      const shared = await flight;
      // It may have been evicted since.
      const isCurrent = shared && isDeepStrictEqual(shared.tags, (await this.#find(exchange)).tags);
      if (isCurrent) send(exchange, shared, 'fwd=miss; collapsed');
      else await this.#compute(exchange, tags);
    } else {
      await this.#lead(exchange, tags);
    }
  }

  /** Computes for the equal requests of this process, and for those of others as long as they await its lock. */
  async #lead(exchange: Exchange, tags: Tags): Promise<void> {
    let land!: (entry?: Entry) => void;
    this.#flights.set(exchange.key, new Promise((resolve) => (land = resolve)));
    const deadline = setTimeout(() => {
      land();
    }, WAIT_TIMEOUT);
    try {
      const lock = tags && (await this.#lock(exchange.key));
      // Whoever had the lock before has stored a response, unless it must not be stored.
      const found = tags ? await this.#find(exchange) : { tags };
      if (found.entry) send(exchange, found.entry, 'fwd=miss; collapsed');
      land(found.entry ?? (await this.#compute(exchange, found.tags)));
      if (lock) await this.#use(() => lock.release(), undefined);
    } finally {
      clearTimeout(deadline);
      land();
      this.#flights.delete(exchange.key);
    }
  }

  /** The lock of a computation; nothing if another process had it, once that has released it. */
  async #lock(key: string): Promise<Mutex | undefined> {
    return this.#use(async (redis) => {
      // Never refreshed: a computation that takes longer, or has died, delays nobody any more.
      const times = { lockTimeout: WAIT_TIMEOUT, acquireTimeout: WAIT_TIMEOUT, refreshInterval: 0 };
      const mutex = new Mutex(redis, key, { ...times, acquireAttemptsLimit: 1 });
      if (await mutex.tryAcquire()) return mutex;
      const awaited = new Mutex(redis, key, { ...times, retryInterval: 25 });
      if (await awaited.tryAcquire()) await awaited.release();
      return undefined;
    }, undefined);
  }

  /** Has the handlers respond, and stores the response if it may be stored. */
  async #compute({ key, policy, request, response, next }: Exchange, tags: Tags): Promise<Entry | undefined> {
    // With conditions, the handlers might answer with less than the whole response.
    for (const name of Object.keys(request.headers)) {
      if (/^(if-|range$)/.test(name)) Reflect.deleteProperty(request.headers, name);
    }
    const status = tags ? 'fwd=miss' : 'fwd=bypass; detail=unavailable';
    response.set('Cache-Status', `output-cache; ${status}`);
    const capturing = capture(response, policy.varyByHeader ?? []);
    const since = Date.now();
    next();
    const captured = await capturing;
    if (!captured) return undefined;
    const { body, ...entry } = { ...captured, since, tags };
    if (tags) {
      const value = Buffer.concat([Buffer.from(`${JSON.stringify(entry)}\n`), body]);
      await this.#use((redis) => redis.set(key, value, 'PX', Math.min(policy.duration, DAY)), null);
    }
    return { ...entry, body };
  }

  /** A response that has not been evicted, and the present versions of the tags. */
  async #find({ key, tagKeys }: Exchange): Promise<Found> {
    return this.#use(
      async (redis): Promise<Found> => {
        // Not MGET: in a cluster the keys are in different slots.
        const values = tagKeys.map((tag) => redis.get(tag));
        const [stored, ...tags] = await Promise.all([redis.getBuffer(key), ...values]);
        const entry = stored ? entryOf(stored) : undefined;
        return { tags, entry: isDeepStrictEqual(entry?.tags, tags) ? entry : undefined };
      },
      { tags: undefined },
    );
  }

  #keysOf(request: Request, policy: Policy): { readonly key: string; readonly tagKeys: readonly string[] } {
    const { varyByQuery, varyByHeader = [], varyBy, tags } = policy;
    const [path = '', query = ''] = request.originalUrl.split(/\?(.*)/s);
    const parameters = [...new URLSearchParams(query)]
      .filter(([name]) => varyByQuery?.includes(name) ?? true)
      .sort();
    const headers = varyByHeader.map((name) => request.get(name));
    const parts = [request.protocol, request.host, path, parameters, headers, varyBy?.(request)];
    const digest = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
    return {
      key: `${this.#options.prefix}response:${digest}`,
      tagKeys: (tags?.(request) ?? []).map((tag) => this.#tagKey(tag)),
    };
  }

  #tagKey(tag: string): string {
    return `${this.#options.prefix}tag:${tag}`;
  }

  /** The result of the operation; `fallback` while the cache is down, and if the operation fails. */
  async #use<Result>(
    operation: (redis: Redis | Cluster) => Promise<Result>,
    fallback: Result,
  ): Promise<Result> {
    if (!this.#client || !this.#isUp) return fallback;
    try {
      return await operation(this.#client);
    } catch (error) {
      // No other request is to wait for a failure.
      void this.#probe(error);
      return fallback;
    }
  }

  /** Uses the cache again once it answers. */
  async #probe(failure?: unknown): Promise<void> {
    const { connect, report } = this.#options;
    if (failure !== undefined && !this.#isUp) return;
    this.#isUp = false;
    if (failure !== undefined) report(failure);
    for (;;) {
      try {
        this.#client ??= await connect();
        await this.#client.ping();
        this.#isUp = true;
        report();
        return;
      } catch (error) {
        if (failure === undefined) report(error);
        await sleep(PROBE_INTERVAL, undefined, { ref: false });
      }
    }
  }
}

/** Nothing for what another version of the service has stored. */
function entryOf(stored: Buffer): Entry | undefined {
  const end = stored.indexOf('\n');
  try {
    return { ...JSON.parse(stored.toString('utf8', 0, end)), body: stored.subarray(end + 1) } as Entry;
  } catch {
    return undefined;
  }
}

/** Sends a response from the cache; Express answers its conditions. */
function send({ response }: Exchange, { headers, body, since }: Entry, status: string): void {
  response.set(headers as Record<string, string>);
  response.set({
    Age: String(Math.floor((Date.now() - since) / 1_000)),
    'Cache-Status': `output-cache; ${status}`,
  });
  if (response.hasHeader('Content-Type')) response.send(body);
  else response.end(body);
}
