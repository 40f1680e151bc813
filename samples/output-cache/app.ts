import express, { type ErrorRequestHandler, type Express } from 'express';
import type { OutputCache } from './cache/output-cache.js';
import { tagResponse } from './cache/tags.js';
import { LANGUAGES, type Reports } from './reports.js';

export function createApp(cache: OutputCache, reports: Reports): Express {
  const app = express();
  app.disable('x-powered-by');

  app.use('/reports', cache.middleware);
  app.get('/reports/:name', async (request, response) => {
    const { name } = request.params;
    const language = request.acceptsLanguages(LANGUAGES) || 'en';
    tagResponse(response, 'reports', `report:${name}`);
    response.set({ 'Cache-Control': 'public, max-age=60', Vary: 'Accept-Language' });
    response.set('Content-Language', language).json(await reports.compute(name, language));
  });

  // For the programs that change the data of reports; a real service would require authorisation.
  app.delete('/cache/tags/:tag', async (request, response) => {
    const isEvicted = await cache.evict(request.params.tag);
    // Accepted: the cache is unavailable; the eviction is sent before the cache is used again.
    response.status(isEvicted ? 204 : 202).end();
  });

  app.use(((error: unknown, _request, response, next) => {
    console.error(error);
    if (response.headersSent) next(error);
    else response.status(500).json({ title: 'Internal Server Error', status: 500 });
  }) satisfies ErrorRequestHandler);
  return app;
}
