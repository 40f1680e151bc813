import type { EntraRequest, Reply } from './http.js';
import type { IssuedToken } from './token-issuer.js';

/** A request that was answered. It holds no secret. */
export interface EntraRequestEntry {
  /** The time of the request. */
  readonly at: Date;
  /** The path, without the query. */
  readonly path: string;
  /** The HTTP status of the response. */
  readonly status: number;
  /** Of a request for a token by OAuth. */
  readonly grantType: string | undefined;
  /** The client id that the request names. */
  readonly clientId: string | undefined;
  /** Entra's number of the refusal, if it was one. */
  readonly errorCode: number | undefined;
}

/** A token that was issued. */
export interface EntraTokenEntry {
  /** The time of issue. */
  readonly at: Date;
  /** Whose it is. */
  readonly objectId: string;
  /** The expiry of the token. */
  readonly expiresOn: Date;
}

/** The requests and tokens of an `EntraEmulator` so far, in order. */
export interface EntraStatistics {
  /** Every request that was answered. */
  readonly requests: readonly EntraRequestEntry[];
  /** Every token that was issued. */
  readonly tokens: readonly EntraTokenEntry[];
}

/** Counts what is asked and given. */
export class RequestLog {
  readonly #requests: EntraRequestEntry[] = [];
  readonly #tokens: EntraTokenEntry[] = [];

  request({ url, form }: EntraRequest, { status, body }: Reply): void {
    const codes: unknown = typeof body === 'object' && 'error_codes' in body ? body.error_codes : undefined;
    this.#requests.push({
      at: new Date(),
      path: url.pathname,
      status,
      grantType: form.get('grant_type') ?? undefined,
      clientId: form.get('client_id') ?? url.searchParams.get('client_id') ?? undefined,
      errorCode: Array.isArray(codes) ? Number(codes[0]) : undefined,
    });
  }

  token({ objectId, expiresOn }: IssuedToken): void {
    this.#tokens.push({ at: new Date(), objectId, expiresOn: new Date(expiresOn * 1000) });
  }

  snapshot(): EntraStatistics {
    return { requests: [...this.#requests], tokens: [...this.#tokens] };
  }
}
