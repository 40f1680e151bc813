import type { IncomingMessage } from 'node:http';

/** Whether the cache has a say in how the request is answered. */
export function isCandidate({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  return headers.range === undefined && !cacheControlOf(headers).has('no-store');
}

/** What the client wants of a cache beyond what its policy decides. */
export interface RequestDirectives {
  /** A response out of the cache, or none. */
  readonly onlyIfCached: boolean;
  /** A response that is computed for this request. */
  readonly wantsNewResponse: boolean;
}

export function directivesOf({ headers }: IncomingMessage): RequestDirectives {
  const directives = cacheControlOf(headers);
  return {
    onlyIfCached: directives.has('only-if-cached'),
    wantsNewResponse: directives.has('no-cache') || directives.has('max-age=0'),
  };
}

function cacheControlOf(headers: IncomingMessage['headers']): Set<string> {
  // HTTP/1.0 clients say it so.
  const value = headers['cache-control'] ?? (headers.pragma === 'no-cache' ? 'no-cache' : '');
  return new Set(value.split(',').map((directive) => directive.trim().toLowerCase()));
}
