import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { EntraError } from './entra-error.js';

/** A request, read to its end. */
export interface EntraRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** The body of a form. */
  readonly form: URLSearchParams;
}

/** What is answered: an object as JSON, a text as HTML. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
}

/** Entra's forms are small; more than this is no form. */
const LONGEST_BODY = 100_000;

export async function readRequest(request: IncomingMessage, origin: string): Promise<EntraRequest> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > LONGEST_BODY) throw new Error('the request is too long');
  }
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', origin),
    headers: request.headers,
    form: new URLSearchParams(isForm ? body : ''),
  };
}

export function send(response: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
  const isPage = typeof body === 'string';
  response.writeHead(status, {
    'Content-Type': isPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    'Cache-Control': 'no-store, no-cache',
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    ...headers,
  });
  response.end(isPage ? body : JSON.stringify(body));
}

/** The reply to a refusal. */
export function errorReply(error: EntraError): Reply {
  return { status: error.status, body: error.body };
}

/** Writes a text into HTML as text. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
