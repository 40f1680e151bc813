import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import session from 'express-session';
import { sessionRoutes } from './session-routes.js';
import type { RedisClient } from './session/scripts.js';
import { SessionStore, type SessionTimeouts } from './session/session-store.js';
import { SignInAttempts } from './sign-in/attempts.js';
import { signInRoutes } from './sign-in/sign-in-routes.js';
import type { Users } from './sign-in/users.js';
import { cookie } from './web/cookies.js';
import { Csrf } from './web/csrf.js';
import { errorHandler, notFound } from './web/errors.js';
import { securityHeaders } from './web/security-headers.js';

export interface AppOptions {
  readonly redis: RedisClient;
  /** The beginning of all keys. */
  readonly prefix: string;
  readonly users: Users;
  readonly timeouts: SessionTimeouts;
  /** Signs cookies and forms; the same in all processes, and nowhere else. */
  readonly secret: string;
  /** Whether a reverse proxy in front of the process terminates TLS; its headers about the client are then trusted. */
  readonly behindTlsProxy: boolean;
}

const ASSETS = fileURLToPath(new URL('public', import.meta.url));

export function createApp({ redis, prefix, users, timeouts, secret, behindTlsProxy }: AppOptions): Express {
  const store = new SessionStore({ redis, prefix, timeouts, secret });
  const attempts = new SignInAttempts(redis, prefix);
  const csrf = new Csrf(secret, behindTlsProxy);
  const sessionCookie = cookie('session', 'lax', behindTlsProxy);

  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', behindTlsProxy ? 1 : false);
  app.use(securityHeaders({ behindTlsProxy }));
  app.use(express.static(ASSETS, { index: false, maxAge: '1h' }));
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  app.use(
    session({
      store,
      genid: store.newId,
      secret,
      name: sessionCookie.name,
      cookie: sessionCookie.options,
      resave: false,
      saveUninitialized: false,
    }),
  );
  app.use(express.urlencoded({ extended: false, limit: '4kb' }));
  app.use(signInRoutes({ users, attempts, store, timeouts, csrf }));
  app.use(sessionRoutes({ redis, prefix, store, timeouts, csrf }));
  app.use(notFound);
  app.use(errorHandler(sessionCookie));
  return app;
}
