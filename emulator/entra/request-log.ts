import type { EntraRequest, Reply } from './http.js';
import type { IssuedToken } from './token-issuer.js';

/** An answered request. It contains no secret. */
export interface EntraRequestEntry {
  /** The time of the request. */
  readonly at: Date;
  /** The path, without the query. */
  readonly path: string;
  /** The HTTP status of the response. */
  readonly status: number;
  /** The OAuth grant type of a token request. */
  readonly grantType: string | undefined;
  /** The client id in the request. */
  readonly clientId: string | undefined;
  /** The AADSTS number, if the reply was an error. */
  readonly errorCode: number | undefined;
}

/** A token that was issued. */
export interface EntraTokenEntry {
  /** The time of issue. */
  readonly at: Date;
  /** The object id of its owner. */
  readonly objectId: string;
  /** The expiry of the token. */
  readonly expiresOn: Date;
}

/** The requests to an `EntraEmulator` and its tokens so far, in order. */
export interface EntraStatistics {
  /** Every request that was answered. */
  readonly requests: readonly EntraRequestEntry[];
  /** Every token that was issued. */
  readonly tokens: readonly EntraTokenEntry[];
}

/** Records requests and tokens. */
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
