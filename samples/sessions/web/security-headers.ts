import type { RequestHandler } from 'express';

/** The pages run no script, load nothing from other origins, and cannot be framed. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ONE_YEAR = 365 * 24 * 60 * 60;

export function securityHeaders({ behindTlsProxy }: { readonly behindTlsProxy: boolean }): RequestHandler {
  const headers = {
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    ...(behindTlsProxy && { 'Strict-Transport-Security': `max-age=${ONE_YEAR}` }),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}
