import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { EntraError } from './entra-error.js';

/** A request with its complete body. */
export interface EntraRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** The fields of a form. */
  readonly form: URLSearchParams;
}

/** A reply; an object is sent as JSON, a string as HTML. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | string;
}

/** The longest accepted body; the forms of Entra are small. */
const LONGEST_BODY = 100_000;

/** Reads a request; resolves to the reply to it if it cannot be read. */
export async function readRequest(
  request: IncomingMessage,
  origin: string,
): Promise<{ readonly request: EntraRequest } | { readonly refusal: Reply }> {
  let body = '';
  request.setEncoding('utf8');
  // The connection has to outlive the loop: the client gets a reply.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    body += String(chunk);
    if (body.length > LONGEST_BODY) {
      return {
        refusal: { status: 413, headers: { Connection: 'close' }, body: { error: 'request_too_large' } },
      };
    }
  }
  const path = request.url ?? '/';
  if (!URL.canParse(path, origin)) return { refusal: { status: 400, body: { error: 'invalid_request' } } };
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return {
    request: {
      method: request.method ?? 'GET',
      url: new URL(path, origin),
      headers: request.headers,
      form: new URLSearchParams(isForm ? body : ''),
    },
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

/** The reply for an error. */
export function errorReply(error: EntraError): Reply {
  return { status: error.status, body: error.body };
}

/** Escapes a string for HTML. */
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
