import { EventEmitter } from 'node:events';
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

/** The events of an `EntraEmulator`; their arguments are the entries of the statistics. */
export interface EntraEmulatorEvents {
  /** A request was answered. */
  request: [entry: EntraRequestEntry];
  /** A token was issued. */
  token: [entry: EntraTokenEntry];
}

/** Records requests and tokens, and emits an event for each. */
export class RequestLog extends EventEmitter<EntraEmulatorEvents> {
  readonly #requests: EntraRequestEntry[] = [];
  readonly #tokens: EntraTokenEntry[] = [];

  request({ url, form }: EntraRequest, { status, body }: Reply): void {
    const codes: unknown = typeof body === 'object' && 'error_codes' in body ? body.error_codes : undefined;
    const entry = {
      at: new Date(),
      path: url.pathname,
      status,
      grantType: form.get('grant_type') ?? undefined,
      clientId: form.get('client_id') ?? url.searchParams.get('client_id') ?? undefined,
      errorCode: Array.isArray(codes) ? Number(codes[0]) : undefined,
    };
    this.#requests.push(entry);
    this.emit('request', entry);
  }

  token({ objectId, expiresOn }: IssuedToken): void {
    const entry = { at: new Date(), objectId, expiresOn: new Date(expiresOn * 1000) };
    this.#tokens.push(entry);
    this.emit('token', entry);
  }

  snapshot(): EntraStatistics {
    return { requests: [...this.#requests], tokens: [...this.#tokens] };
  }
}
