import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler } from 'express';
import { isClientError } from './client-error.js';

/** Answers with problem details (RFC 9457). Causes are printed, never sent. */
export const errorHandler: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status = isClientError(error) ? error.status : 500;
  if (status === 500) console.error(error);
  if (response.headersSent) {
    // Express closes the connection: the client sees an incomplete response.
    next(error);
    return;
  }
  response
    .status(status)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .json({ title: STATUS_CODES[status], status });
};
