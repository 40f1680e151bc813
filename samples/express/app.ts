import express, { type Express } from 'express';
import type { Multiplexer } from 'ioredis-azure';
import type { Logger } from 'pino';
import { errorHandler, notFound } from './errors.js';
import { healthRouter } from './health.js';
import { RedisVisitStore } from './visit-store.js';
import { visitRouter } from './visits.js';

export interface AppOptions {
  readonly multiplexer: Multiplexer;
  readonly log: Logger;
  /** Is aborted when the process has been asked to stop. */
  readonly stopping: AbortSignal;
}

export function createApp({ multiplexer, log, stopping }: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use('/health', healthRouter(multiplexer, stopping));
  app.use('/pages', visitRouter(new RedisVisitStore(multiplexer), stopping));
  app.use(notFound);
  app.use(errorHandler(log));
  return app;
}
