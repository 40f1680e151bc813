import { request } from 'node:https';

/** Signs in on EntraEmulator's page as a browser would, and gives the address that it is sent back to. */
export async function signIn(
  authorizationUrl: string,
  {
    username,
    password,
    choice = 'signIn',
  }: { username: string; password: string; choice?: 'signIn' | 'cancel' },
): Promise<string> {
  const page = await fetchPage(authorizationUrl);
  const [, flow = ''] = /name="flow" value="([^"]+)"/.exec(page.body) ?? [];
  const [, action = ''] = /action="([^"]+)"/.exec(page.body) ?? [];
  const form = new URLSearchParams({ flow, username, password, choice });
  const answer = await fetchPage(new URL(action, authorizationUrl).href, form);
  if (answer.location === undefined) throw new Error(`not sent back, but shown: ${textOf(answer.body)}`);
  return answer.location;
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
