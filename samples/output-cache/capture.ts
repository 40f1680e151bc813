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
const NOT_STORED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'date',
  'age',
]);

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
    // Those of earlier middleware are set for each request, such as its id; those of later events, such as a compression, are
    // not the handlers'.
    const earlier = response.getHeaders();
    let own: OutgoingHttpHeaders = {};
    let body = Buffer.alloc(0);
    let hasEnded = false;
    let hasUnknownHeaders = false;

    const keep = (chunk: unknown, encoding: unknown): void => {
      if (hasEnded || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) return;
      const bytes = Buffer.from(
        chunk as string,
        typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8',
      );
      if (body.length <= MAX_BODY_SIZE) body = Buffer.concat([body, bytes]);
    };
    const settle = (): void => {
      const known = [...varyByHeader.map((name) => name.toLowerCase()), ...namesIn(earlier.vary)];
      const isStorable =
        response.statusCode === 200 &&
        !hasUnknownHeaders &&
        body.length <= MAX_BODY_SIZE &&
        !response.hasHeader('Set-Cookie') &&
        !/\b(private|no-store|no-cache)\b/i.test(String(response.getHeader('Cache-Control'))) &&
        namesIn(own.vary).every((name) => known.includes(name)) &&
        !isPersonal(response.req);
      const headers = Object.entries(own).filter(
        ([name, value]) => value !== earlier[name] && !NOT_STORED.has(name),
      );
      resolve(isStorable ? { headers: Object.fromEntries(headers), body } : undefined);
    };

    // What earlier middleware has put in the place of these methods is called in turn. The overloads pass through.
    type Method = (...args: unknown[]) => never;
    const { writeHead, write, end } = response as unknown as Record<'writeHead' | 'write' | 'end', Method>;
    Object.assign(response, {
      writeHead(...args: unknown[]) {
        // Those that are given here are not among the headers of the response.
        hasUnknownHeaders = typeof args.at(-1) === 'object';
        own = response.getHeaders();
        return writeHead.apply(response, args);
      },
      write(...args: unknown[]) {
        keep(args[0], args[1]);
        return write.apply(response, args);
      },
      end(...args: unknown[]) {
        keep(args[0], args[1]);
        hasEnded = true;
        end.apply(response, args);
        // A middleware may do something before, as express-session saves the session.
        if (response.headersSent) settle();
        return response;
      },
    });
    response.once('close', () => {
      if (hasEnded) settle();
      else resolve(undefined);
    });
  });
}

/** The names that a `Vary` header lists, in lower case. */
function namesIn(vary: OutgoingHttpHeader | undefined): string[] {
  return vary === undefined
    ? []
    : String(vary)
        .toLowerCase()
        .split(/[\s,]+/)
        .filter(Boolean);
}
