import { addAbortListener } from 'node:events';
import { json, Router, type Request } from 'express';
import { HttpError } from './errors.js';
import { sendEvents } from './event-stream.js';
import type { VisitStore } from './visit-store.js';

/** The visits of pages: read them, add one, set them, and follow them live as server-sent events. */
export function visitRouter(visits: VisitStore, stopping: AbortSignal): Router {
  const router = Router();

  router.get('/:page/visits', async (request, response) => {
    const page = pageOf(request);
    response.json({ page, visits: await visits.count(page) });
  });

  router.post('/:page/visits', async (request, response) => {
    const page = pageOf(request);
    response.status(201).json({ page, visits: await visits.add(page) });
  });

  router.put('/:page/visits', json({ limit: '1kb' }), async (request, response) => {
    const page = pageOf(request);
    const count = countOf(request.body);
    await visits.set(page, count);
    response.json({ page, visits: count });
  });

  router.get('/:page/visits/events', async (request, response) => {
    await using subscription = await visits.follow(pageOf(request));
    const listener = addAbortListener(stopping, () => {
      void subscription.unsubscribe();
    });
    try {
      await sendEvents(response, subscription);
    } finally {
      listener[Symbol.dispose]();
    }
  });

  return router;
}

function pageOf({ params: { page } }: Request<{ page: string }>): string {
  if (/^[\w-]{1,64}$/.test(page)) return page;
  throw new HttpError(400, 'A page is named by up to 64 letters, digits, hyphens and underscores.');
}

function countOf(body: unknown): number {
  const count: unknown =
    typeof body === 'object' && body !== null && 'visits' in body ? body.visits : undefined;
  if (Number.isSafeInteger(count) && Number(count) >= 0) return Number(count);
  throw new HttpError(400, 'The body must be JSON with the property "visits", an integer from 0.');
}
