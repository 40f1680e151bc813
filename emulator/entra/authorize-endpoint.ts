import { randomUUID } from 'node:crypto';
import type { Directory } from './directory.js';
import {
  EntraError,
  missingParameter,
  noPkce,
  signInCancelled,
  signInNeeded,
  unregisteredRedirect,
} from './entra-error.js';
import type { EntraRequest, Reply } from './http.js';
import { errorPage, formPostPage, signInPage, SUBMIT_SOURCE } from './sign-in-page.js';
import { BoundedStore, type SignInRequest, type SignIns } from './sign-ins.js';

/** How the response reaches the redirect URI: in its query, its fragment, or the body of a POST. */
export const RESPONSE_MODES = ['query', 'fragment', 'form_post'];

/** The time for a user to finish a sign-in, in ms. */
const SIGN_IN_LIFETIME = 600_000;

interface PendingSignIn extends SignInRequest {
  readonly state: string | null;
  readonly responseMode: string;
}

/** `/{tenant}/oauth2/v2.0/authorize`, and `/{tenant}/login`, to which its page sends the form. */
export class AuthorizeEndpoint {
  readonly #directory: Directory;
  readonly #signIns: SignIns;
  readonly #pending = new BoundedStore<PendingSignIn>(SIGN_IN_LIFETIME);

  constructor(directory: Directory, signIns: SignIns) {
    this.#directory = directory;
    this.#signIns = signIns;
  }

  /** Shows the sign-in page, or redirects the browser with an error. */
  authorize({ url }: EntraRequest): Reply {
    const query = url.searchParams;
    try {
      const pending = this.#checkClient(query);
      const refusal = refusalOf(query, this.#directory.application(pending.clientId).publicClient);
      if (refusal) return sendBack(pending, errorParameters(refusal));
      const flow = randomUUID();
      this.#pending.set(flow, pending);
      const username = query.get('login_hint') ?? '';
      return page(200, signInPage({ action: loginPath(url), flow, username }));
    } catch (error) {
      // No redirect before the redirect URI is known to belong to the client.
      if (error instanceof EntraError) return page(error.status, errorPage(error.message));
      throw error;
    }
  }

  /** Handles the form of the sign-in page. */
  login({ url, form }: EntraRequest): Reply {
    const flow = form.get('flow') ?? '';
    const pending = this.#pending.get(flow);
    if (!pending) return page(400, errorPage('AADSTS50058: This sign-in is no longer in progress.'));
    if (form.get('choice') === 'cancel') {
      this.#pending.delete(flow);
      return sendBack(pending, { ...errorParameters(signInCancelled()), error_subcode: 'cancel' });
    }
    const username = form.get('username') ?? '';
    try {
      const user = this.#directory.signIn(username, form.get('password') ?? '');
      this.#pending.delete(flow);
      return sendBack(pending, {
        code: this.#signIns.issueCode({ ...pending, user }),
        session_state: randomUUID(),
      });
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      return page(200, signInPage({ action: url.pathname, flow, username, error: error.message }));
    }
  }

  #checkClient(query: URLSearchParams): PendingSignIn {
    const clientId = query.get('client_id');
    const redirectUri = query.get('redirect_uri');
    if (clientId === null) throw missingParameter('client_id');
    const application = this.#directory.application(clientId);
    if (redirectUri === null) throw missingParameter('redirect_uri');
    if (!application.allowsRedirect(redirectUri)) throw unregisteredRedirect(redirectUri, clientId);
    return {
      clientId,
      redirectUri,
      scope: query.get('scope') ?? '',
      codeChallenge: query.get('code_challenge') ?? undefined,
      nonce: query.get('nonce') ?? undefined,
      state: query.get('state'),
      responseMode: query.get('response_mode') ?? 'query',
    };
  }
}

/** The error of an authorization request, if any. */
function refusalOf(query: URLSearchParams, publicClient: boolean): EntraError | undefined {
  if (query.get('response_type') !== 'code') {
    return new EntraError(400, 'unsupported_response_type', 700054, "The response_type must be 'code'.");
  }
  if (!query.get('scope')) return missingParameter('scope');
  if (![...RESPONSE_MODES, null].includes(query.get('response_mode'))) {
    const message = "The response_mode must be 'query', 'fragment' or 'form_post'.";
    return new EntraError(400, 'invalid_request', 90100, message);
  }
  if (query.has('code_challenge')) {
    if (query.get('code_challenge_method') !== 'S256') {
      return new EntraError(400, 'invalid_request', 501491, "The code_challenge_method must be 'S256'.");
    }
  } else if (publicClient) {
    return noPkce();
  }
  return query.get('prompt') === 'none' ? signInNeeded() : undefined;
}

function errorParameters(error: EntraError): Record<string, string> {
  return { error: error.error, error_description: error.message, error_uri: String(error.body['error_uri']) };
}

function sendBack(pending: PendingSignIn, parameters: Record<string, string>): Reply {
  const url = new URL(pending.redirectUri);
  const all = { ...parameters, ...(pending.state !== null && { state: pending.state }) };
  if (pending.responseMode === 'form_post') return page(200, formPostPage(pending.redirectUri, all));
  if (pending.responseMode === 'fragment') url.hash = new URLSearchParams(all).toString();
  else for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
  return { status: 302, headers: { Location: url.href } };
}

function loginPath(authorizeUrl: URL): string {
  const [, tenant = ''] = authorizeUrl.pathname.split('/');
  return `/${tenant}/login`;
}

function page(status: number, body: string): Reply {
  return {
    status,
    body,
    headers: {
      'X-Frame-Options': 'DENY',
      'Content-Security-Policy': `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${SUBMIT_SOURCE}`,
      'Referrer-Policy': 'no-referrer',
    },
  };
}
