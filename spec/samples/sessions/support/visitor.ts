/** A browser without a window: it keeps cookies, and sends the forms of the page that it has read last. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** The page that was read last; a redirect is none. */
  page = '';

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.#headers = headers;
  }

  get(path: string): Promise<Response> {
    return this.#fetch(path, {});
  }

  /** Sends a form with the token of the page, unless the fields hold another. Redirects are not followed. */
  post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    const token = /name="_csrf"\s+value="([^"]+)"/.exec(this.page)?.[1] ?? '';
    return this.#fetch(path, { method: 'POST', body: new URLSearchParams({ _csrf: token, ...fields }) });
  }

  /** Signs in, and reads the page of the sessions. */
  async signIn(name: string, password: string): Promise<Response> {
    await this.get('/sign-in');
    const response = await this.post('/sign-in', { name, password });
    if (response.status === 303) await this.get('/');
    return response;
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** What the cookie says is the id of the session, without its signature. */
  get sessionId(): string {
    const value = this.cookies.get('session') ?? this.cookies.get('__Host-session') ?? '';
    return decodeURIComponent(value)
      .replace(/^s:/, '')
      .replace(/\.[^.]*$/, '');
  }

  /** The handles in the forms that sign devices out, by the devices' names. */
  get devices(): Map<string, string> {
    const forms = this.page.matchAll(/name="handle"\s+value="([^"]+)"[^]*?aria-label="Sign out ([^"]+)"/g);
    return new Map([...forms].map(([, handle = '', device = '']) => [device, handle]));
  }

  async #fetch(path: string, options: RequestInit): Promise<Response> {
    const cookie = this.cookieHeader;
    const response = await fetch(`${this.url}${path}`, {
      redirect: 'manual',
      headers: { ...this.#headers, ...(cookie !== '' && { Cookie: cookie }) },
      ...options,
    });
    for (const header of response.headers.getSetCookie()) this.#keep(header);
    const body = await response.clone().text();
    if (response.status !== 303) this.page = body;
    return response;
  }

  #keep(header: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
    if (value === '') this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** Where a response leads to. */
export function redirectOf(response: Response): string {
  return `${response.status} ${response.headers.get('Location') ?? ''}`;
}
