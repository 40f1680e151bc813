import { html } from '../web/html.js';
import { layout } from './layout.js';

export interface Message {
  readonly title: string;
  readonly text: string;
  readonly action: { readonly label: string; readonly href: string };
}

export function messagePage({ title, text, action }: Message): string {
  return layout({
    title,
    main: html`<section class="card narrow">
      <h1>${title}</h1>
      <p>${text}</p>
      <a class="button primary" href="${action.href}">${action.label}</a>
    </section>`,
  });
}
