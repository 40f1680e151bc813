import { AzureRedisError, type AzureRedisErrorCode } from '../errors.js';
import { aadstsMeaning } from './aadsts.js';

/** The meaning of a credential's error: whether and when to retry, and what the user can do. */
export interface TokenFailure {
  /** Whether another attempt with the same options cannot succeed. */
  readonly permanent: boolean;
  /** What to do. */
  readonly hint: string;
  /** The time until the service accepts another request, in ms. */
  readonly retryAfter?: number;
}

const MANAGED_IDENTITY =
  'A managed identity works only inside Azure (a virtual machine, App Service, Functions, Container Apps, AKS): check that one is assigned to it. On a development machine run `az login` and use DefaultAzureCredential, by setting no identity.';
const NOTHING_AVAILABLE =
  'No identity was found. On a development machine run `az login`; in Azure assign a managed identity; elsewhere set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or one of the identity options.';
const NETWORK =
  'The identity service could not be reached: check the network, DNS, proxy (HTTPS_PROXY) and, for sovereign clouds, `cloud` or `authorityHost`.';
const CERTIFICATE =
  "The identity service's certificate is not trusted. If a proxy or firewall intercepts TLS, set NODE_EXTRA_CA_CERTS to the certificate of its authority.";
const AUTHORITY =
  'The metadata of the authority could not be loaded: check `tenantId`, `cloud` or `authorityHost`, and the network.';
const THROTTLED =
  'The identity service throttles requests: share one authenticator between clients to slow down.';
const SERVICE_DOWN = 'The identity service failed. The request is retried automatically.';
const REFUSED = 'Check the identity options: the identity service rejected them.';
const NOT_ASSIGNED =
  'Assign this managed identity to the virtual machine, app or cluster that the program runs on, or set `managedIdentity: true` for the system-assigned one.';
const UNKNOWN = 'See `cause`, the error of the identity library.';

// Errors of this package that only other options, or an installation, can correct.
const PERMANENT_CODES: ReadonlySet<AzureRedisErrorCode> = new Set([
  'INVALID_OPTION',
  'CONFLICTING_OPTIONS',
  'MISSING_DEPENDENCY',
  'TOKEN_REFUSED',
  'CLOSED',
]);

// Errors that another attempt cannot change: those of OAuth 2.0 (RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core, 3.1.2.6), and
// those of @azure/msal-node about invalid settings, which it throws before any request.
const PERMANENT_ERRORS: ReadonlySet<string> = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_grant',
  'invalid_scope',
  'invalid_resource',
  'unsupported_grant_type',
  'access_denied',
  'interaction_required',
  'consent_required',
  'login_required',

  'untrusted_authority',
  'authority_uri_insecure',
  'url_parse_error',
  'invalid_client_credential',
  'missing_tenant_id_error',
  'invalid_assertion',
]);

// TLS errors of an untrusted certificate, such as that of an intercepting proxy.
const CERTIFICATE_ERRORS =
  /\b(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)\b/;

// msal could not load the metadata of the authority, and does not give the reason.
const AUTHORITY_ERRORS = /\b(?:endpoints_resolution_error|openid_config_error)\b/;

const NETWORK_ERRORS =
  /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPIPE|REQUEST_SEND_ERROR|network_error|network_unavailable|fetch failed)\b/;

/**
 * Classifies an error of `@azure/identity`, `@azure/msal-node`, the Azure SDK's pipeline or a custom `TokenCredential` by
 * its shape, never by its class: an application may load other copies of these libraries.
 */
export function classifyIdentityError(error: unknown): TokenFailure {
  try {
    const parts = [...partsOf(error)];
    const retryAfter = firstDefined(parts, retryAfterOf);
    return { ...classify(parts), ...(retryAfter !== undefined && { retryAfter }) };
  } catch {
    // A getter or a Proxy of the error threw, or its causes are nested too deeply.
    return { permanent: false, hint: UNKNOWN };
  }
}

function classify(parts: readonly Fields[]): TokenFailure {
  const own = parts.find((part) => part['self'] instanceof AzureRedisError)?.['self'];
  if (own instanceof AzureRedisError) return { permanent: PERMANENT_CODES.has(own.code), hint: own.hint };

  const status = firstDefined(parts, statusOf);
  const isBusy = status === 408 || status === 429 || (status !== undefined && status >= 500);
  if (status === 429) return { permanent: false, hint: THROTTLED };
  const aadsts = firstDefined(parts, aadstsOf);
  if (aadsts !== undefined) {
    const { permanent, hint } = aadstsMeaning(aadsts);
    return { permanent: permanent && !isBusy, hint };
  }
  if (isBusy) return { permanent: false, hint: SERVICE_DOWN };

  const isManagedIdentity = parts.some((part) =>
    /managed identit|ManagedIdentity|\bIMDS\b/i.test(textOf(part)),
  );
  const isUnavailable = parts.some((part) => part['name'] === 'CredentialUnavailableError');
  const oauthError = firstDefined(parts, oauthErrorOf);
  if (isManagedIdentity && status === 400 && !isUnavailable) return { permanent: true, hint: NOT_ASSIGNED };
  if (oauthError !== undefined && PERMANENT_ERRORS.has(oauthError)) return { permanent: true, hint: REFUSED };

  const isChain = parts.some((part) => part['name'] === 'AggregateAuthenticationError');
  // The message of a chain quotes the errors of all its credentials, so its text proves nothing.
  if (!isChain && isManagedIdentity) return { permanent: false, hint: MANAGED_IDENTITY };
  if (parts.some((part) => CERTIFICATE_ERRORS.test(textOf(part))))
    return { permanent: false, hint: CERTIFICATE };
  if (!isChain && parts.some((part) => NETWORK_ERRORS.test(textOf(part))))
    return { permanent: false, hint: NETWORK };
  if (parts.some((part) => AUTHORITY_ERRORS.test(textOf(part)))) return { permanent: false, hint: AUTHORITY };
  if (isChain || isUnavailable) return { permanent: false, hint: NOTHING_AVAILABLE };
  if (status === 401 || status === 403) return { permanent: true, hint: REFUSED };
  return { permanent: false, hint: UNKNOWN };
}

/** The fields of an error, whatever its class, and the error itself as `self`. */
type Fields = Readonly<Record<string, unknown>>;

/** The error and all errors that it wraps: `cause`, `errors` of an aggregate, `error` of msal. */
function* partsOf(error: unknown, seen = new Set<unknown>()): Generator<Fields> {
  if (typeof error !== 'object' || error === null || seen.has(error)) return;
  seen.add(error);
  // These are not enumerable (`response` of the Azure SDK's RestError), or not own properties, so the spread omits them.
  const [name, message, response] = ['name', 'message', 'response'].map((key) => read(error, key));
  const part: Fields = { ...error, name, message, response, self: error };
  yield part;
  for (const inner of [read(error, 'cause'), read(error, 'error')]) yield* partsOf(inner, seen);
  const errors = read(error, 'errors');
  if (Array.isArray(errors)) for (const inner of errors) yield* partsOf(inner, seen);
}

function read(from: unknown, key: string): unknown {
  return typeof from === 'object' && from !== null && key in from ? Reflect.get(from, key) : undefined;
}

function firstDefined<T>(parts: readonly Fields[], find: (part: Fields) => T | undefined): T | undefined {
  for (const part of parts) {
    const found = find(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function textOf(part: Fields): string {
  return [part['name'], part['code'], part['errorCode'], part['message']]
    .filter((text) => typeof text === 'string')
    .join(' ');
}

/** The HTTP status, under the names that these libraries use. */
function statusOf(part: Fields): number | undefined {
  const candidates = [
    part['statusCode'],
    part['status'],
    part['httpStatus'],
    read(part['response'], 'status'),
  ];
  return candidates.find((candidate) => typeof candidate === 'number');
}

/** The number of an Entra error: from the fields of @azure/identity and msal, else from the text that both quote. */
function aadstsOf(part: Fields): number | undefined {
  const codes = read(part['errorResponse'], 'errorCodes');
  const code = Number(Array.isArray(codes) ? codes[0] : part['errorNo']);
  if (Number.isInteger(code) && code > 0) return code;
  const text = [part['message'], read(part['errorResponse'], 'errorDescription')].join(' ');
  const [, number] = /AADSTS(\d+)/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}

function oauthErrorOf(part: Fields): string | undefined {
  const fromResponse = read(part['errorResponse'], 'error');
  if (typeof fromResponse === 'string') return fromResponse;
  if (typeof part['errorCode'] === 'string' && part['errorCode'] !== '') return part['errorCode'];
  // @azure/identity keeps only the message of an msal error; it begins with the code.
  const [, code] = /^([a-z_]+): /.exec(typeof part['message'] === 'string' ? part['message'] : '') ?? [];
  return code;
}

// The headers of Azure services, in milliseconds, and the standard one (RFC 9110, 10.2.3).
const MILLISECOND_HEADERS = ['retry-after-ms', 'x-ms-retry-after-ms'];
const HEADER = 'retry-after';

/**
 * The time until the service accepts the next request, in ms; `undefined` if the response does not state it.
 *
 * @param error Any object with the headers of the response where the Azure SDK, msal or fetch put them.
 */
export function retryAfterOf(error: Fields): number | undefined {
  const holders = [error['headers'], error['responseHeaders'], read(error['response'], 'headers')];
  for (const headers of holders) {
    for (const name of MILLISECOND_HEADERS) {
      const milliseconds = Number(headerOf(headers, name) ?? NaN);
      if (milliseconds >= 0) return milliseconds;
    }
    const wait = parseRetryAfter(headerOf(headers, HEADER));
    if (wait !== undefined) return wait;
  }
  return undefined;
}

/** Parses a `Retry-After` header, in seconds or as a date, to a time from now in ms. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (seconds >= 0) return seconds * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** A header of fetch's `Headers`, of the Azure SDK's `HttpHeaders`, or of an object whose names are spelled in any case. */
function headerOf(headers: unknown, name: string): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value: unknown =
    'get' in headers && typeof headers.get === 'function'
      ? (headers as { get(name: string): unknown }).get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
