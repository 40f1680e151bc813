import { STATUS_CODES } from 'node:http';
import express, { type ErrorRequestHandler, type Express } from 'express';
import type { Multiplexer } from 'ioredis-azure';
import type { Logger } from 'pino';
import { sendEvents } from './events.js';
import { health } from './health.js';
import { Visits } from './visits.js';

export interface AppOptions {
  readonly multiplexer: Multiplexer;
  readonly prefix: string;
  readonly log: Logger;
  /** Aborts when the process has been asked to stop. */
  readonly stopping: AbortSignal;
}

export function createApp({ multiplexer, prefix, log, stopping }: AppOptions): Express {
  const visits = new Visits(multiplexer, prefix);
  const app = express();
  app.disable('x-powered-by');
  app.use('/health', health(multiplexer, stopping));

  app.param('page', (_request, response, next, page: string) => {
    if (/^[\w-]{1,64}$/.test(page)) next();
    else
      response.status(400).json({ title: 'A page has up to 64 letters, digits, hyphens and underscores.' });
  });
  app.get('/pages/:page/visits', async ({ params: { page } }, response) => {
    response.json({ page, visits: await visits.count(page) });
  });
  app.post('/pages/:page/visits', async (request, response) => {
    const { page } = request.params;
    // A client that got no answer may send the request again with the same key.
    const count = await visits.add(page, request.get('Idempotency-Key'));
    response.status(201).json({ page, visits: count });
  });
  app.get('/pages/:page/visits/events', async ({ params: { page } }, response) => {
    await sendEvents(response, await visits.follow(page), stopping);
  });

  app.use(problem(log));
  return app;
}

/** Answers with problem details (RFC 9457). Causes are logged, and never sent: they tell of the inner structure. */
function problem(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    // Express says so of requests that it cannot read. Everything else here fails because the cache does.
    const given = error instanceof Error && 'status' in error ? Number(error.status) : 503;
    const status = given >= 400 && given < 500 ? given : 503;
    if (status === 503) log.error({ err: error, url: request.originalUrl }, 'not answered');
    // Cuts the connection: the client sees that the response is incomplete.
    if (response.headersSent) {
      next(error);
      return;
    }
    if (status === 503) response.set('Retry-After', '1');
    response.status(status).type('application/problem+json').json({ title: STATUS_CODES[status], status });
  };
}
