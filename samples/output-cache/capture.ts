import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import type { Request, Response } from 'express';

/** A response that may be sent again. */
export interface Captured {
  readonly headers: Readonly<OutgoingHttpHeaders>;
  readonly body: Buffer;
}

/** Larger ones are not stored, in bytes. */
const MAX_BODY_SIZE = 1024 * 1024;

/** Of one connection or one moment, or set anew as the response is sent again. */
const NOT_STORED = /^(connection|keep-alive|transfer-encoding|content-length|date|age)$/;

/** Whether a response may be meant for one user only. */
export function isPersonal(request: Request): boolean {
  // Of express-session and Passport. Without a cookie a session is a new one, and a response that keeps it sets a cookie.
  const { session, user } = request as { readonly session?: unknown; readonly user?: unknown };
  const hasSession = Boolean(session) && request.headers.cookie !== undefined;
  return hasSession || Boolean(user) || request.headers.authorization !== undefined;
}

/**
 * Copies what the handlers write, which is sent as ever. Resolves once the response is complete, and to nothing if it must not
 * be stored.
 *
 * @param varyByHeader The headers that a `Vary` of the handlers may name.
 */
export function capture(response: Response, varyByHeader: readonly string[]): Promise<Captured | undefined> {
  return new Promise((resolve) => {
    // Those of earlier middleware are set for each request, such as its id.
    const earlier = response.getHeaders();
    /** Nothing while they are not complete. Those of later events, such as a compression, are not the handlers'. */
    let own: OutgoingHttpHeaders | undefined;
    const chunks: Buffer[] = [];
    let size = 0;
    let hasEnded = false;

    const keep = (chunk: unknown, encoding: unknown): void => {
      if (hasEnded || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return;
      // Without an encoding there may be a callback, which Buffer ignores.
      const bytes = Buffer.from(chunk as string, encoding as BufferEncoding);
      size += bytes.length;
      if (size <= MAX_BODY_SIZE) chunks.push(bytes);
    };
    const settle = (): void => {
      const known = [...varyByHeader.map((name) => name.toLowerCase()), ...namesIn(earlier.vary)];
      const isStorable =
        hasEnded &&
        own &&
        response.statusCode === 200 &&
        size <= MAX_BODY_SIZE &&
        !response.hasHeader('Set-Cookie') &&
        !/\b(private|no-store|no-cache)\b/i.test(String(response.getHeader('Cache-Control'))) &&
        namesIn(own.vary).every((name) => known.includes(name)) &&
        !isPersonal(response.req);
      const headers = Object.entries(own ?? {}).filter(
        ([name, value]) => value !== earlier[name] && !NOT_STORED.test(name),
      );
      resolve(isStorable ? { headers: Object.fromEntries(headers), body: Buffer.concat(chunks) } : undefined);
    };

    /** What earlier middleware has put in the place of a method is called in turn. The overloads pass through. */
    const methods = response as unknown as Record<string, (...args: unknown[]) => unknown>;
    const intercept = (name: 'writeHead' | 'write' | 'end', before: (...args: unknown[]) => void): void => {
      const method = methods[name];
      methods[name] = (...args) => {
        before(...args);
        return method?.apply(response, args);
      };
    };
    intercept('writeHead', (...args) => {
      // Those that are given here are not among the headers of the response.
      own = typeof args.at(-1) === 'object' ? undefined : response.getHeaders();
    });
    intercept('write', keep);
    intercept('end', (chunk, encoding) => {
      keep(chunk, encoding);
      hasEnded = true;
      // Once the headers are sent: a middleware may do something before, as express-session saves the session.
      queueMicrotask(() => {
        if (response.headersSent) settle();
      });
    });
    response.once('close', settle);
  });
}

/** The names that a `Vary` header lists, in lower case. */
function namesIn(vary: OutgoingHttpHeader | undefined): string[] {
  return (
    String(vary ?? '')
      .toLowerCase()
      .match(/[^\s,]+/g) ?? []
  );
}
