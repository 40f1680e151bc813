import { Router, type Request } from 'express';
import { signInPage } from '../pages/sign-in-page.js';
import type { SessionStore, SessionTimeouts } from '../session/session-store.js';
import type { Ticket } from '../session/ticket.js';
import { addressOf, networkOf } from '../web/client-address.js';
import type { Csrf } from '../web/csrf.js';
import { field } from '../web/form.js';
import type { SignInAttempts } from './attempts.js';
import type { User, Users } from './users.js';

export interface SignInOptions {
  readonly users: Users;
  readonly attempts: SignInAttempts;
  readonly store: SessionStore;
  readonly timeouts: SessionTimeouts;
  readonly csrf: Csrf;
}

export function signInRoutes({ users, attempts, store, timeouts, csrf }: SignInOptions): Router {
  const router = Router();

  router.get('/sign-in', (request, response) => {
    if (request.session.ticket) {
      response.redirect(303, '/');
      return;
    }
    const notice = 'ended' in request.query ? 'Your session has ended. Please sign in again.' : undefined;
    response.send(signInPage({ csrf: csrf.visitorToken(request, response), notice }));
  });

  router.post('/sign-in', csrf.verifyVisitor, async (request, response) => {
    const name = field(request, 'name').trim().toLowerCase();
    const password = field(request, 'password');
    await attempts.count(name, networkOf(request.ip ?? ''));
    const user = await users.authenticate(name, password);
    if (!user) {
      const problem = 'The user name or the password is wrong.';
      response.status(403).send(signInPage({ csrf: csrf.visitorToken(request, response), name, problem }));
      return;
    }
    await attempts.forgive(name);
    await store.start(request, newTicket(user, request, timeouts));
    response.redirect(303, '/');
  });

  return router;
}

function newTicket(user: User, request: Request, timeouts: SessionTimeouts): Ticket {
  const signedInAt = Date.now();
  return {
    userId: user.id,
    displayName: user.displayName,
    claims: user.claims,
    signedInAt,
    expiresAt: signedInAt + timeouts.absolute,
    userAgent: (request.get('User-Agent') ?? '').slice(0, 300),
    address: addressOf(request.ip ?? '') ?? '',
  };
}
