import { createHash } from 'node:crypto';
import { escapeHtml } from './http.js';

/** The sign-in page. */
export function signInPage({ action, flow, username = '', error }: SignInPage): string {
  const alert = error === undefined ? '' : `<p role="alert">${escapeHtml(error)}</p>`;
  return page(
    'Sign in to your account',
    `${alert}
    <form method="post" action="${escapeHtml(action)}">
      <input type="hidden" name="flow" value="${escapeHtml(flow)}">
      <label>User name <input name="username" autocomplete="username" value="${escapeHtml(username)}" autofocus></label>
      <label>Password <input name="password" type="password" autocomplete="current-password"></label>
      <button name="choice" value="signIn">Sign in</button>
      <button name="choice" value="cancel" class="plain">Cancel</button>
    </form>`,
  );
}

export interface SignInPage {
  /** The URL to which the form is sent. */
  readonly action: string;
  /** The sign-in that it belongs to. */
  readonly flow: string;
  readonly username?: string;
  readonly error?: string;
}

/** The page for a request that may not be redirected, because its redirect URI is not registered. */
export function errorPage(error: string): string {
  return page(
    'Sign in',
    `<p>Sorry, but we’re having trouble signing you in.</p><p role="alert">${escapeHtml(error)}</p>`,
  );
}

const SUBMIT = 'document.forms[0].submit();';

/** The only script of these pages, as a source for their Content-Security-Policy. */
export const SUBMIT_SOURCE = `'sha256-${createHash('sha256').update(SUBMIT).digest('base64')}'`;

/** The page that posts the response to the redirect URI. */
export function formPostPage(redirectUri: string, parameters: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(parameters).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return page(
    'Working...',
    `<form method="post" action="${escapeHtml(redirectUri)}">
      ${inputs.join('')}
      <noscript><button>Continue</button></noscript>
    </form>
    <script>${SUBMIT}</script>`,
  );
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" href="data:,">
  <title>${title}</title>
  <style>
    body { font: 16px/1.5 system-ui, sans-serif; background: #f2f2f2; color: #1b1b1b; margin: 0; }
    main { background: #fff; max-width: 24rem; margin: 12vh auto; padding: 2.5rem; box-shadow: 0 2px 6px #0003; }
    h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 1rem; }
    label { display: block; margin: 0 0 1rem; }
    input { box-sizing: border-box; width: 100%; font: inherit; padding: .4rem .5rem; border: 1px solid #666; }
    button { font: inherit; padding: .4rem 1.5rem; border: 1px solid #0067b8; background: #0067b8; color: #fff; cursor: pointer; }
    button.plain { background: #fff; color: #1b1b1b; border-color: #666; }
    [role=alert] { color: #c50f1f; }
    small { color: #666; }
  </style>
</head>
<body><main><h1>${title}</h1>${content}<p><small>EntraEmulator: nothing leaves this machine.</small></p></main></body>
</html>
`;
}
