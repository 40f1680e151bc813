import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { isClientError } from '../shared/client-error.js';
import { StoreUnavailableError } from './visit-store.js';

/** An error to report to the client. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const notFound: RequestHandler = () => {
  throw new HttpError(404, 'There is no such resource.');
};

/** Answers with problem details (RFC 9457): causes are logged, and never sent. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const { status, message } = publicErrorOf(error);
    if (status >= 500) log.error({ err: error, method: request.method, url: request.originalUrl }, message);
    if (response.headersSent) {
      // Express cuts the connection: the client sees that the response is incomplete.
      next(error);
      return;
    }
    if (status === 503) response.set('Retry-After', '5');
    response
      .status(status)
      .set('Cache-Control', 'no-store')
      .type('application/problem+json')
      .json({ title: STATUS_CODES[status], status, detail: message });
  };
}

function publicErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof StoreUnavailableError) return new HttpError(503, error.message);
  if (isClientError(error)) return new HttpError(error.status, 'The request is not valid.');
  return new HttpError(500, 'The service failed.');
}
