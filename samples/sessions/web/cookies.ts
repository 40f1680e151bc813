import type { CookieOptions, Request } from 'express';

export interface Cookie {
  readonly name: string;
  readonly options: CookieOptions;
}

/**
 * A cookie that ends with the browser: how long a session lasts is decided at the server. Behind TLS, the prefix of its name
 * makes the browser refuse a cookie that another host, or a connection without TLS, sets in its place.
 */
export function cookie(name: string, sameSite: 'lax' | 'strict', behindTlsProxy: boolean): Cookie {
  return {
    name: behindTlsProxy ? `__Host-${name}` : name,
    options: { path: '/', httpOnly: true, sameSite, secure: behindTlsProxy },
  };
}

/** The value as it was sent, without verification. */
export function readCookie(request: Request, name: string): string | undefined {
  const pairs = request.headers.cookie?.split('; ') ?? [];
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
