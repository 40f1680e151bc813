import { CSRF_FIELD } from '../web/csrf.js';
import { html } from '../web/html.js';
import { layout } from './layout.js';

export interface SignInPage {
  readonly csrf: string;
  /** As it was typed before. */
  readonly name?: string;
  /** What went wrong before. */
  readonly problem?: string;
  /** Why the user has to sign in. */
  readonly notice?: string | undefined;
}

export function signInPage({ csrf, name = '', problem, notice }: SignInPage): string {
  return layout({
    title: 'Sign in',
    main: html`<section class="card narrow" aria-labelledby="title">
      <h1 id="title">Sign in</h1>
      <p class="lead">Use your Contoso account.</p>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      ${problem && html`<p class="notice problem" role="alert" id="problem">${problem}</p>`}
      <form method="post" action="/sign-in">
        <input type="hidden" name="${CSRF_FIELD}" value="${csrf}" />
        <label for="name">User name</label>
        <input
          id="name"
          name="name"
          value="${name}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          maxlength="100"
          required
          ${name ? '' : 'autofocus'}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          maxlength="200"
          required
          ${problem && html`aria-describedby="problem" autofocus`}
        />
        <button class="primary wide">Sign in</button>
      </form>
    </section>`,
  });
}
