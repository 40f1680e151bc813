import { request as requestHttp, type IncomingMessage } from 'node:http';
import { type Agent, request as requestHttps } from 'node:https';
import type { EntraEmulator } from '../../../../emulator/entra/index.js';

/** An answer of Entra, with its JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly json: Readonly<Record<string, unknown>>;
}

/** Sends a request without any identity library in between. */
export function send(
  url: string,
  { ca, agent, method = 'GET', headers = {}, body }: SendOptions = {},
): Promise<JsonAnswer> {
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, json: parse(text) });
      });
    };
    const request = url.startsWith('https:')
      ? requestHttps(url, { method, headers, ca, agent: agent ?? false }, answered)
      : requestHttp(url, { method, headers, agent: false }, answered);
    request.on('error', reject);
    request.end(body);
  });
}

export interface SendOptions {
  readonly ca?: string;
  /** Default: one of its own. */
  readonly agent?: Agent;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Posts a form to the token endpoint; a field that is undefined is left out. */
export function askForToken(
  entra: EntraEmulator,
  form: Readonly<Record<string, string | undefined>>,
  tenant = entra.tenantId,
): Promise<JsonAnswer> {
  return send(`${entra.authorityHost}/${tenant}/oauth2/v2.0/token`, {
    ca: entra.ca,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: parameters(form).toString(),
  });
}

/** A form or query of the fields that are not undefined. */
export function parameters(fields: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) given.set(name, value);
  }
  return given;
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return { text };
  }
}
