import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import CachePolicy from 'http-cache-semantics';
import type { HeldResponse } from './held-response.js';

type Headers = Readonly<Record<string, string | string[]>>;

interface Serialized {
  readonly policy: CachePolicy.CachePolicyObject;
  readonly status: number;
  readonly headers: Headers;
  readonly tags: readonly string[];
  readonly stamp: number;
}

/** What is known of a request whose URL may be requested again. */
export type CacheRequest = Pick<IncomingMessage, 'url' | 'headers'>;

/** A response that may be sent again, for as long as RFC 9111 allows it in a shared cache. */
export class CachedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly tags: readonly string[];
  /** The time at which its computation began, on the clock of the store. */
  readonly stamp: number;
  readonly #policy: CachePolicy;

  private constructor(policy: CachePolicy, parts: Omit<Serialized, 'policy'>, body: Buffer) {
    this.#policy = policy;
    this.status = parts.status;
    this.headers = parts.headers;
    this.tags = parts.tags;
    this.stamp = parts.stamp;
    this.body = body;
  }

  /** `undefined` if the response may not be stored, or is stale at once. */
  static of(
    request: CacheRequest,
    { status, headers: sent, body }: HeldResponse,
    { tags, stamp }: { readonly tags: readonly string[]; readonly stamp: number },
  ): CachedResponse | undefined {
    const headers = headersOf(sent);
    const policy = new CachePolicy(
      policyRequest(request, varyNames(headers)),
      { status, headers: { ...headers, ...cacheControl(headers) } },
      // Nothing is stored unless the response says for how long.
      { shared: true, cacheHeuristic: 0 },
    );
    if (!policy.storable() || policy.stale()) return undefined;
    return new CachedResponse(policy, { status, headers, tags, stamp }, body);
  }

  static parse(meta: Buffer, body: Buffer): CachedResponse {
    // Written by `serialize()`.
    const { policy, ...parts } = JSON.parse(meta.toString()) as Serialized;
    return new CachedResponse(CachePolicy.fromObject(policy), parts, body);
  }

  /** Everything but the body. It holds no credentials of the request. */
  serialize(): string {
    const { status, headers, tags, stamp } = this;
    return JSON.stringify({ policy: this.#policy.toObject(), status, headers, tags, stamp });
  }

  /** For how long it is fresh, in ms. */
  get timeToLive(): number {
    return Math.max(0, Math.floor((this.#policy.maxAge() - this.#policy.age()) * 1_000));
  }

  /** The names of the request headers that it depends on, as its `Vary` says. */
  get vary(): readonly string[] {
    return varyNames(this.headers);
  }

  /** The age in whole seconds, for the header `Age`. */
  get age(): number {
    return Math.floor(this.#policy.age());
  }

  /** Whether it answers this request: URL, `Vary`, freshness, and the request's own `Cache-Control`. */
  satisfies({ url, headers }: CacheRequest): boolean {
    const request = { url: url ?? '', method: 'GET', headers: plain(headers) };
    return !this.#policy.stale() && this.#policy.satisfiesWithoutRevalidation(request);
  }
}

/** Names the responses to the requests that differ in nothing that `vary` names. */
export function variantOf({ headers }: CacheRequest, vary: readonly string[]): string {
  return digest(JSON.stringify(vary.map((name) => [name, headers[name] ?? null])));
}

/** Names the URL of a request. */
export function resourceOf({ url = '', headers: { host = '' } }: CacheRequest): string {
  return digest(JSON.stringify([host, url]));
}

export function digest(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url');
}

function varyNames(headers: Headers): string[] {
  return String(headers['vary'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .sort();
}

/** Of the request only what the policy compares: its credentials are not to be stored. */
function policyRequest({ url = '', headers }: CacheRequest, vary: readonly string[]): CachePolicy.Request {
  const { authorization } = headers;
  const kept = plain(headers, ['host', 'cache-control', 'pragma', ...vary]);
  return {
    url,
    method: 'GET',
    headers: { ...kept, ...(authorization !== undefined && { authorization: 'withheld' }) },
  };
}

/**
 * Responses are never served stale here, which is all that these directives ask for; http-cache-semantics would not serve
 * them at all.
 */
function cacheControl({ 'cache-control': value }: Headers): Headers {
  if (value === undefined) return {};
  const directives = String(value)
    .split(',')
    .filter((directive) => !/^\s*(must|proxy)-revalidate\s*$/i.test(directive));
  return { 'cache-control': directives.join(',') };
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function headersOf(headers: HeldResponse['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined || HOP_BY_HOP.has(name.toLowerCase())) return [];
      return [[name.toLowerCase(), Array.isArray(value) ? value : String(value)]];
    }),
  );
}

function plain(headers: IncomingHttpHeaders, names = Object.keys(headers)): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
}
