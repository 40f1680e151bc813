import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { type Message, messagePage } from '../pages/message-page.js';
import { SessionBusyError, SessionEndedError, SessionsUnavailableError } from '../session/errors.js';
import { TooManyAttemptsError } from '../sign-in/attempts.js';
import { duration } from './times.js';
import { type Cookie, readCookie } from './cookies.js';
import { ForgedFormError } from './csrf.js';

interface Failure extends Message {
  readonly status: number;
  /** In seconds. */
  readonly retryAfter?: number;
}

const HOME = { label: 'Back to your sessions', href: '/' };
const AGAIN = { label: 'Try again', href: '/' };

export const notFound: RequestHandler = (_request, response) => {
  sendPage(response, {
    status: 404,
    title: 'Page not found',
    text: 'There is no page at this address.',
    action: HOME,
  });
};

export function errorHandler(sessionCookie: Cookie): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof SessionEndedError) {
      const hadSession = readCookie(request, sessionCookie.name) !== undefined;
      response.clearCookie(sessionCookie.name, sessionCookie.options);
      response.redirect(303, hadSession ? '/sign-in?ended' : '/sign-in');
      return;
    }
    const failure = failureOf(error);
    if (failure.status >= 500) console.error(`${request.method} ${request.path}: ${describe(error)}`);
    sendPage(response, failure);
  };
}

function sendPage(response: Response, { status, retryAfter, ...message }: Failure): void {
  if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter));
  response.status(status).send(messagePage(message));
}

function failureOf(error: unknown): Failure {
  if (error instanceof SessionsUnavailableError) {
    return {
      status: 503,
      retryAfter: 5,
      title: 'Please try again shortly',
      text: 'We cannot look up your session at the moment. You have not been signed out.',
      action: AGAIN,
    };
  }
  if (error instanceof SessionBusyError) {
    return {
      status: 503,
      retryAfter: 1,
      title: 'Nothing was changed',
      text: 'Other requests were changing your session. Please try again.',
      action: HOME,
    };
  }
  if (error instanceof TooManyAttemptsError) {
    return {
      status: 429,
      retryAfter: error.retryAfter,
      title: 'Too many attempts',
      text: `You can try to sign in again in ${duration(Math.ceil(error.retryAfter / 60) * 60_000)}.`,
      action: { label: 'Back to sign-in', href: '/sign-in' },
    };
  }
  if (error instanceof ForgedFormError) {
    return {
      status: 403,
      title: 'This form has expired',
      text: 'Nothing was changed. Open the page again, and send the form from there.',
      action: HOME,
    };
  }
  // An error of Express about a request that it cannot read.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (status >= 400 && status < 500) {
    return {
      status,
      title: 'Request not understood',
      text: 'The browser has sent something that we cannot read.',
      action: HOME,
    };
  }
  return {
    status: 500,
    title: 'Something went wrong',
    text: 'The error is on our side, and has been recorded.',
    action: AGAIN,
  };
}

/** Messages only: errors of ioredis hold the arguments of their commands, and so the contents of sessions. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SessionsUnavailableError) return `${error.message} ${describeCause(error.cause)}`;
  return error.stack ?? error.message;
}

function describeCause(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
