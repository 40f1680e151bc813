import express, { type Express } from 'express';
import { errorHandler } from '../shared/error-handler.js';
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

  // For the programs that change the data of reports. A production service must authorise these requests.
  app.delete('/cache/tags/:tag', async (request, response) => {
    const isEvicted = await cache.evict(request.params.tag);
    // 202 Accepted: the cache is unavailable, and receives the eviction before it is used again.
    response.status(isEvicted ? 204 : 202).end();
  });

  app.use(errorHandler);
  return app;
}
