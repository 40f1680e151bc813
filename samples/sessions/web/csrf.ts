import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { cookie, readCookie, type Cookie } from './cookies.js';
import { field } from './form.js';

/** A form that is not of a page of ours, or of an old one. */
export class ForgedFormError extends Error {
  constructor() {
    super('The form has no valid token.');
  }
}

/** The name of the hidden field of each form. */
export const CSRF_FIELD = '_csrf';

/**
 * Accepts forms of our own pages only: each holds a token, a keyed hash of something that only our pages and the server
 * know of. Nothing is stored, so visitors who do not sign in cost no memory.
 */
export class Csrf {
  readonly #secret: string;
  readonly #visitor: Cookie;

  constructor(secret: string, behindTlsProxy: boolean) {
    this.#secret = secret;
    this.#visitor = cookie('visitor', 'strict', behindTlsProxy);
  }

  /** The token for the forms of a session. */
  sessionToken(request: Request): string {
    return this.#hash(`session:${request.sessionID}`);
  }

  /** The token for the form of a visitor who has not signed in yet: of a random cookie. */
  visitorToken(request: Request, response: Response): string {
    const { name, options } = this.#visitor;
    const visitor = readCookie(request, name) ?? randomBytes(16).toString('base64url');
    response.cookie(name, visitor, options);
    return this.#hash(`visitor:${visitor}`);
  }

  readonly verifySession: RequestHandler = (request, _response, next) => {
    this.#verify(request, this.sessionToken(request));
    next();
  };

  readonly verifyVisitor: RequestHandler = (request, _response, next) => {
    const visitor = readCookie(request, this.#visitor.name);
    if (visitor === undefined) throw new ForgedFormError();
    this.#verify(request, this.#hash(`visitor:${visitor}`));
    next();
  };

  #verify(request: Request, token: string): void {
    const given = Buffer.from(field(request, CSRF_FIELD));
    const expected = Buffer.from(token);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new ForgedFormError();
  }

  #hash(binding: string): string {
    return createHmac('sha256', this.#secret).update(`csrf:${binding}`).digest('base64url');
  }
}
