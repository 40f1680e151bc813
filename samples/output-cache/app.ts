import { setTimeout as sleep } from 'node:timers/promises';
import express, { type Express, type Request } from 'express';
import type { OutputCache } from './output-cache.js';

const LANGUAGES = ['en', 'de', 'fr'];

/** @param duration How long a report takes, in ms. */
export function createApp(cache: OutputCache, duration: number): Express {
  const revenues = new Map<string, number>();
  const app = express();
  app.disable('x-powered-by');

  const languageOf = (request: Request): string => request.acceptsLanguages(LANGUAGES) || 'en';
  const reports = cache.output({
    duration: 60_000,
    varyByQuery: ['year'],
    varyBy: languageOf,
    tags: ({ params: { name } }) => ['reports', `report:${String(name)}`],
  });
  app.get('/reports/:name', reports, async (request, response) => {
    const name = String(request.params['name']);
    await sleep(duration);
    // Browsers keep it for a second; how long it is kept here is said above.
    response.set({ 'Cache-Control': 'public, max-age=1', 'Content-Language': languageOf(request) });
    response.json({
      name,
      year: request.query['year'] ?? null,
      revenue: revenues.get(name) ?? 0,
      at: new Date(),
    });
  });

  // What changes the data evicts what was computed from it. If that fails, 500 says so: the client tries again.
  app.put('/reports/:name/revenue', express.json({ strict: false }), async (request, response) => {
    revenues.set(request.params.name, Number(request.body));
    await cache.evict(`report:${request.params.name}`);
    response.status(204).end();
  });
  return app;
}
