import { Router, type Request, type RequestHandler } from 'express';
import { sessionsPage } from './pages/sessions-page.js';
import { SessionEndedError } from './session/errors.js';
import type { RedisClient } from './session/scripts.js';
import { groupOfSession, handleOf } from './session/session-id.js';
import type { SessionStore, SessionTimeouts } from './session/session-store.js';
import { UserSessions } from './session/user-sessions.js';
import { addressOf } from './web/client-address.js';
import type { Csrf } from './web/csrf.js';
import { field } from './web/form.js';

export interface SessionRoutesOptions {
  readonly redis: RedisClient;
  readonly prefix: string;
  readonly store: SessionStore;
  readonly timeouts: SessionTimeouts;
  readonly csrf: Csrf;
}

/** What was done before the page is shown. */
const NOTICES = new Map<unknown, string>([
  ['one', 'The device was signed out.'],
  ['others', 'All other devices were signed out.'],
]);

/** The pages of a user who is signed in. For others, all of them throw a `SessionEndedError`. */
export function sessionRoutes({ redis, prefix, store, timeouts, csrf }: SessionRoutesOptions): Router {
  const router = Router();
  const sessionsOf = ({ sessionID }: Request): UserSessions =>
    new UserSessions(redis, prefix, groupOfSession(sessionID));

  const requireSession: RequestHandler = async (request, _response, next) => {
    const { ticket } = request.session;
    const use = { at: Date.now(), address: addressOf(request.ip ?? '') ?? '' };
    if (!ticket || !(await store.renew(request.sessionID, ticket, use))) throw new SessionEndedError();
    next();
  };

  router.get('/', requireSession, async (request, response) => {
    const { ticket, basket = 0 } = request.session;
    if (!ticket) throw new SessionEndedError();
    const page = sessionsPage({
      ticket,
      basket,
      sessions: await sessionsOf(request).list(),
      current: handleOf(request.sessionID),
      timeouts,
      csrf: csrf.sessionToken(request),
      notice: NOTICES.get(request.query['ended']),
    });
    response.send(page);
  });

  router.post('/basket', requireSession, csrf.verifySession, async (request, response) => {
    await store.update(request, (session) => {
      session.basket = (session.basket ?? 0) + 1;
    });
    response.redirect(303, '/');
  });

  router.post('/sessions/end', requireSession, csrf.verifySession, async (request, response) => {
    await sessionsOf(request).end([field(request, 'handle')]);
    response.redirect(303, '/?ended=one');
  });

  router.post('/sessions/end-others', requireSession, csrf.verifySession, async (request, response) => {
    const sessions = sessionsOf(request);
    const current = handleOf(request.sessionID);
    const handles = (await sessions.list()).map(({ handle }) => handle);
    await sessions.end(handles.filter((handle) => handle !== current));
    response.redirect(303, '/?ended=others');
  });

  router.post('/sessions/end-all', requireSession, csrf.verifySession, async (request, response) => {
    const sessions = sessionsOf(request);
    await sessions.end((await sessions.list()).map(({ handle }) => handle));
    response.redirect(303, '/sign-in');
  });

  router.post('/sign-out', requireSession, csrf.verifySession, async (request, response) => {
    await store.end(request);
    response.redirect(303, '/sign-in');
  });

  return router;
}
