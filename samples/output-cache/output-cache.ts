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

interface Entry extends Captured {
  /** When its computation began, in ms since 1970. */
  readonly since: number;
  /** The versions of its tags at that time. */
  readonly tags: readonly (string | null)[];
}

/** What the cache has for a request. */
interface Found {
  readonly entry: Entry | undefined;
  /** The present versions of the tags. */
  readonly tags: readonly (string | null)[];
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
  readonly #flights = new Map<string, Promise<void>>();
  #client: Redis | Cluster | undefined;
  #isUp = false;

  constructor(options: OutputCacheOptions) {
    this.#options = options;
    void this.#comeUp();
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
    const { key } = exchange;
    const found = await this.#find(exchange);
    if (!found || found.entry) {
      await this.#respond(exchange, found, 'hit');
    } else if (this.#flights.has(key)) {
      await this.#flights.get(key);
      await this.#respond(exchange, await this.#find(exchange), 'fwd=miss; collapsed');
    } else {
      const computed = this.#lead(exchange).finally(() => this.#flights.delete(key));
      const patience = sleep(WAIT_TIMEOUT, undefined, { ref: false });
      this.#flights.set(key, Promise.race([computed.catch(() => undefined), patience]));
      await computed;
    }
  }

  /** Responds before the equal requests of this process, and those of others as long as they await its lock. */
  async #lead(exchange: Exchange): Promise<void> {
    const lock = await this.#lock(exchange.key);
    // Whoever had the lock before has stored a response, unless it must not be stored.
    await this.#respond(exchange, await this.#find(exchange), 'fwd=miss; collapsed');
    await this.#use(async () => lock?.release());
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
    });
  }

  /** Sends what was found; if nothing was, has the handlers respond, and stores their response if it may be stored. */
  async #respond(exchange: Exchange, found: Found | undefined, status: string): Promise<void> {
    const { key, policy, request, response, next } = exchange;
    if (found?.entry) {
      send(response, found.entry, status);
      return;
    }
    // With conditions, the handlers might answer with less than the whole response.
    for (const name of Object.keys(request.headers)) {
      if (/^(if-|range$)/.test(name)) Reflect.deleteProperty(request.headers, name);
    }
    response.set('Cache-Status', `output-cache; ${found ? 'fwd=miss' : 'fwd=bypass; detail=unavailable'}`);
    const capturing = capture(response, policy.varyByHeader ?? []);
    const since = Date.now();
    next();
    const captured = await capturing;
    if (!captured || !found) return;
    const entry = JSON.stringify({ headers: captured.headers, since, tags: found.tags });
    const value = Buffer.concat([Buffer.from(`${entry}\n`), captured.body]);
    await this.#use((redis) => redis.set(key, value, 'PX', Math.min(policy.duration, DAY)));
  }

  /** A response that has not been evicted, and the present versions of the tags; nothing while the cache is down. */
  async #find({ key, tagKeys }: Exchange): Promise<Found | undefined> {
    return this.#use(async (redis) => {
      // Not MGET: in a cluster the keys are in different slots.
      const values = tagKeys.map((tag) => redis.get(tag));
      const [stored, ...tags] = await Promise.all([redis.getBuffer(key), ...values]);
      const entry = stored ? entryOf(stored) : undefined;
      return { tags, entry: isDeepStrictEqual(entry?.tags, tags) ? entry : undefined };
    });
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

  /** The result of the operation; nothing while the cache is down, and if the operation fails. */
  async #use<Result>(operation: (redis: Redis | Cluster) => Promise<Result>): Promise<Result | undefined> {
    if (!this.#client || !this.#isUp) return undefined;
    try {
      return await operation(this.#client);
    } catch (error) {
      // No other request is to wait for a failure.
      void this.#comeUp(error);
      return undefined;
    }
  }

  /** Uses the cache once it answers, and not before. */
  async #comeUp(failure?: unknown): Promise<void> {
    const { connect, report } = this.#options;
    if (failure !== undefined && !this.#isUp) return;
    this.#isUp = false;
    let reported = failure;
    if (failure !== undefined) report(failure);
    for (;;) {
      try {
        this.#client ??= await connect();
        await this.#client.ping();
        this.#isUp = true;
        report();
        return;
      } catch (error) {
        if (reported === undefined) report((reported = error));
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
function send(response: Response, { headers, body, since }: Entry, status: string): void {
  const age = String(Math.floor((Date.now() - since) / 1_000));
  response.set({ ...headers, Age: age, 'Cache-Status': `output-cache; ${status}` } as Record<string, string>);
  if (response.hasHeader('Content-Type')) response.send(body);
  else response.end(body);
}
