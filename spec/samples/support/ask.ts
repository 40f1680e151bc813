import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { next } from '../../support/waiting.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request with these headers only: fetch() adds others, and lets nobody set `Host`. */
export async function ask(url: string, { method = 'GET', headers = {} }: AskOptions = {}): Promise<Answer> {
  const response = await next<IncomingMessage>(
    request(url, { method, headers, agent: false }).end(),
    'response',
  );
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}
