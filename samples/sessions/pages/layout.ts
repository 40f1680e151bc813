import { html, type Html } from '../web/html.js';

export interface Layout {
  readonly title: string;
  /** At the right of the page's head. */
  readonly account?: Html;
  readonly main: Html;
}

export function layout({ title, account, main }: Layout): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Contoso</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header>
          <a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28" />Contoso</a>
          ${account}
        </header>
        <main>${main}</main>
      </body>
    </html>`.toString();
}
