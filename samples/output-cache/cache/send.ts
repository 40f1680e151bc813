import type { Request, Response } from 'express';
import { digest, type CachedResponse } from './cached-response.js';
import type { HeldResponse } from './held-response.js';

/** Says how the cache has dealt with the request (RFC 9211). */
export function setCacheStatus(response: Response, status: string): void {
  response.setHeader('Cache-Status', `output-cache; ${status}`);
}

/** Sends a response out of the cache. */
export function sendCached(
  request: Request,
  response: Response,
  { status, headers, age, body }: CachedResponse,
  cacheStatus: string,
): void {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Age', age);
  setCacheStatus(response, cacheStatus);
  finish(request, response, body);
}

/** Sends a response that was held back; its status and headers are set already. */
export function sendHeld(request: Request, response: Response, { body }: HeldResponse): void {
  finish(request, response, body);
}

/** The response with an `ETag`, which Express does not give those that a handler streams. */
export function withValidator(response: Response, held: HeldResponse): HeldResponse {
  if (held.status !== 200 || response.hasHeader('ETag')) return held;
  response.setHeader('ETag', `"${digest(held.body)}"`);
  return { ...held, headers: response.getHeaders() };
}

const CONDITIONS = ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since', 'if-range'];

/** Hides the conditions of a request from the handlers, whose response is to be complete. Gives what undoes that. */
export function hideConditions({ headers }: Request): () => void {
  const hidden = Object.entries(headers).filter(([name]) => CONDITIONS.includes(name));
  for (const [name] of hidden) Reflect.deleteProperty(headers, name);
  return () => {
    Object.assign(headers, Object.fromEntries(hidden));
  };
}

function finish(request: Request, response: Response, body: Buffer): void {
  if (request.fresh) {
    for (const name of ['Content-Type', 'Content-Length', 'Content-Encoding', 'Transfer-Encoding']) {
      response.removeHeader(name);
    }
    response.status(304).end();
    return;
  }
  if (!response.hasHeader('Transfer-Encoding') && hasBody(response)) {
    response.setHeader('Content-Length', body.length);
  }
  response.end(request.method === 'HEAD' ? undefined : body);
}

function hasBody({ statusCode }: Response): boolean {
  return statusCode !== 204 && statusCode !== 304;
}
