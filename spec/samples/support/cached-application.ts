import type { IncomingHttpHeaders } from 'node:http';
import express, { type Request, type Response } from 'express';
import { Multiplexer, type ConfigureForAzureOptions } from 'ioredis-azure';
import { OutputCache, type OutputCacheOptions } from '../../../samples/output-cache/cache/output-cache.js';
import { HttpServer } from '../../../samples/shared/http-server.js';
import { type Answer, ask } from './ask.js';

export interface CachedAnswer extends Answer {
  /** What `Cache-Status` says after the name of the cache. */
  readonly cacheStatus: string;
}

type Handler = (request: Request, response: Response) => unknown;

/** An application of one route before which an output cache is. */
export class CachedApplication {
  readonly cache: OutputCache;
  /** How often the route was called. */
  computations = 0;
  /** How many requests the cache was given. */
  requests = 0;
  /** The headers of the last request that the route was called with. */
  seen: IncomingHttpHeaders = {};
  readonly #server: HttpServer;
  readonly #exchanges: ReadonlySet<unknown>;

  private constructor(cache: OutputCache, server: HttpServer, exchanges: ReadonlySet<unknown>) {
    this.cache = cache;
    this.#server = server;
    this.#exchanges = exchanges;
  }

  static async start(
    connection: ConfigureForAzureOptions,
    handler: Handler,
    options: OutputCacheOptions = {},
  ): Promise<CachedApplication> {
    const cache = await OutputCache.start(() => Multiplexer.connect(connection), options);
    const app = express();
    const exchanges = new Set<unknown>();
    app.use((request, response, next) => {
      const exchange = Promise.resolve(cache.middleware(request, response, next));
      exchanges.add(exchange);
      application.requests += 1;
      return exchange.finally(() => exchanges.delete(exchange));
    });
    app.get('/{*path}', async (request, response) => {
      application.computations += 1;
      application.seen = { ...request.headers };
      await handler(request, response);
    });
    const server = await HttpServer.listen(app, { port: 0 });
    const application = new CachedApplication(cache, server, exchanges);
    return application;
  }

  /**
   * Resolves when what is to be stored of the response has been stored, and no request is in progress: clients get
   * responses before.
   */
  async get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<CachedAnswer> {
    // Each application has a port of its own, and responses are cached for a host and port.
    const answer = await ask(this.#server.url + path, {
      method,
      headers: { Host: 'app.example', ...headers },
    });
    await Promise.all(this.#exchanges);
    const cacheStatus = String(answer.headers['cache-status']).replace('output-cache; ', '');
    return { ...answer, cacheStatus };
  }

  async stop(): Promise<void> {
    await this.#server.close();
    await this.cache.close();
  }
}

/** Answers with a number that counts the calls, which may be stored for a minute. */
export function counting(headers: Record<string, string> = {}): Handler {
  let calls = 0;
  return (_request, response) => {
    calls += 1;
    response.set({ 'Cache-Control': 'max-age=60', ...headers }).send(`call ${calls}`);
  };
}
