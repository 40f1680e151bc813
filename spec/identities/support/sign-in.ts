import { request } from 'node:https';

interface User {
  readonly username: string;
  readonly password: string;
  readonly choice?: 'signIn' | 'cancel';
}

/** Signs in on EntraEmulator's page as a browser would, and gives the address that it is sent back to. */
export async function signIn(authorizationUrl: string, user: User): Promise<string> {
  const { location, body } = await submitSignIn(authorizationUrl, user);
  if (location === undefined) throw new Error(`not sent back, but shown: ${textOf(body)}`);
  return location;
}

/** Submits the form of EntraEmulator's page, and gives the answer to it. */
export async function submitSignIn(
  authorizationUrl: string,
  { username, password, choice = 'signIn' }: User,
): Promise<Page> {
  const { action, fields } = formOf((await fetchPage(authorizationUrl)).body);
  const form = new URLSearchParams({ flow: fields.get('flow') ?? '', username, password, choice });
  return fetchPage(new URL(action, authorizationUrl).href, form);
}

/** The form of a page: its URL, and its hidden fields. */
export function formOf(body: string): { readonly action: string; readonly fields: URLSearchParams } {
  const [, action = ''] = /action="([^"]*)"/.exec(body) ?? [];
  const hidden = body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g);
  const fields = Array.from(hidden, ([, name = '', value = '']): [string, string] => [
    unescape(name),
    unescape(value),
  ]);
  return { action: unescape(action), fields: new URLSearchParams(fields) };
}

const CHARACTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

function unescape(html: string): string {
  return html.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => CHARACTERS[name] ?? '');
}

export interface Page {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

export function fetchPage(url: string, form?: URLSearchParams): Promise<Page> {
  return new Promise((resolve, reject) => {
    const headers = form && { 'Content-Type': 'application/x-www-form-urlencoded' };
    const sent = request(url, { method: form ? 'POST' : 'GET', ...(headers && { headers }) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
      });
    });
    sent.on('error', reject);
    sent.end(form?.toString());
  });
}

/** What a page says, without its markup. */
export function textOf(html: string): string {
  return html
    .replace(/<style>.*<\/style>/s, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
