import { AzureRedisError, type AzureRedisErrorCode } from '../errors.js';
import { messageOf, readField, redacted, withoutSecrets } from '../redaction.js';
import { dateOf, MAX_TIMER_DELAY } from '../timing/timeouts.js';
import { isObject } from '../validation.js';
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
const ARC_KEY =
  'Azure Arc gives its key to members of the group himds (Linux) or "Hybrid Agent Extension Applications" (Windows): add the user that the program runs as, and start it again.';
const NOTHING_AVAILABLE =
  'No identity was found. On a development machine run `az login`; in Azure assign a managed identity; elsewhere set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or one of the identity options.';
const CREDENTIALS_VARIABLE =
  'Set AZURE_TOKEN_CREDENTIALS to prod, dev or the name of a credential, or remove it.';
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
  'unable_to_create_cloud_shell',
  'user_assigned_managed_identity_not_confirmed',
]);

// TLS errors of an untrusted certificate, such as that of an intercepting proxy.
const CERTIFICATE_ERRORS =
  /\b(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED)\b/;

// msal could not load the metadata of the authority, and does not give the reason.
const AUTHORITY_ERRORS = /\b(?:endpoints_resolution_error|openid_config_error)\b/;

const NETWORK_ERRORS =
  /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPIPE|REQUEST_SEND_ERROR|network_error|network_unavailable|fetch failed)\b/;

/** A `Retry-After` from which users are told when it ends, in ms. */
const LONG_PAUSE = 60_000;

/** A failed token request. */
export class TokenRequestError extends AzureRedisError {
  /** The time until the identity service accepts another request, in ms; 0 if not stated. */
  readonly retryAfter: number;

  constructor(message: string, { permanent, hint, retryAfter = 0 }: TokenFailure, cause: Error) {
    const end = dateOf(Date.now() + retryAfter).toISOString();
    super(
      permanent ? 'TOKEN_REFUSED' : 'TOKEN_UNAVAILABLE',
      message,
      retryAfter > LONG_PAUSE ? `${hint} It accepts the next request at ${end}.` : hint,
      { cause },
    );
    this.retryAfter = Math.min(MAX_TIMER_DELAY, retryAfter);
  }
}

/**
 * Explains an error of a credential.
 *
 * @param failure What failed, to begin a sentence with.
 * @param secrets Secrets that the error may quote.
 */
export function tokenRequestError(
  failure: string,
  error: unknown,
  secrets: readonly string[] = [],
): TokenRequestError {
  return new TokenRequestError(
    `${failure}: ${redacted(messageOf(error), secrets)}`,
    classifyIdentityError(error),
    withoutSecrets(error, secrets),
  );
}

/**
 * Classifies an error of `@azure/identity`, `@azure/msal-node`, the Azure SDK's pipeline or a custom `TokenCredential` by
 * its shape, never by its class: an application may load other copies of these libraries.
 */
export function classifyIdentityError(error: unknown): TokenFailure {
  try {
    const parts = partsOf(error);
    const retryAfter = firstOf(parts, retryAfterOf);
    return { ...classify(parts), ...(retryAfter !== undefined && { retryAfter }) };
  } catch {
    // A method of a part of the error threw.
    return { permanent: false, hint: UNKNOWN };
  }
}

function classify(parts: readonly unknown[]): TokenFailure {
  const own = parts.find((part) => part instanceof AzureRedisError);
  if (own) return { permanent: PERMANENT_CODES.has(own.code), hint: own.hint };

  const status = firstOf(parts, statusOf);
  const isBusy = status === 408 || status === 429 || (status !== undefined && status >= 500);
  if (status === 429) return { permanent: false, hint: THROTTLED };
  const aadsts = firstOf(parts, aadstsOf);
  if (aadsts !== undefined) {
    const { permanent, hint } = aadstsMeaning(aadsts);
    return { permanent: permanent && !isBusy, hint };
  }
  if (isBusy) return { permanent: false, hint: SERVICE_DOWN };

  const says = (text: RegExp): boolean =>
    parts.some((part) => text.test(textIn(part, 'name', 'code', 'errorCode', 'message')));
  const isNamed = (name: string): boolean => parts.some((part) => readField(part, 'name') === name);
  if (says(/Invalid value for AZURE_TOKEN_CREDENTIALS/))
    return { permanent: true, hint: CREDENTIALS_VARIABLE };
  if (says(/\bunable_to_read_secret_file\b/)) return { permanent: false, hint: ARC_KEY };
  const isManagedIdentity = says(/managed identit|ManagedIdentity|\bIMDS\b/i);
  const isUnavailable = isNamed('CredentialUnavailableError');
  if (isManagedIdentity && status === 400 && !isUnavailable) return { permanent: true, hint: NOT_ASSIGNED };
  const oauthError = firstOf(parts, oauthErrorOf);
  if (oauthError !== undefined && PERMANENT_ERRORS.has(oauthError)) return { permanent: true, hint: REFUSED };

  // The message of a chain quotes the errors of all its credentials, so its text proves nothing.
  const isChain = isNamed('AggregateAuthenticationError');
  if (!isChain && isManagedIdentity) return { permanent: false, hint: MANAGED_IDENTITY };
  if (says(CERTIFICATE_ERRORS)) return { permanent: false, hint: CERTIFICATE };
  if (!isChain && says(NETWORK_ERRORS)) return { permanent: false, hint: NETWORK };
  if (says(AUTHORITY_ERRORS)) return { permanent: false, hint: AUTHORITY };
  if (isChain || isUnavailable) return { permanent: false, hint: NOTHING_AVAILABLE };
  if (status === 401 || status === 403) return { permanent: true, hint: REFUSED };
  return { permanent: false, hint: UNKNOWN };
}

/** How many errors are read of those that one wraps: getters can make them endless. */
const MAX_PARTS = 100;

/** The error and all errors that it wraps: `cause`, `errors` of an aggregate, `error` of msal. */
function partsOf(error: unknown): readonly unknown[] {
  const parts = new Set([error]);
  // What is added meanwhile is visited, too.
  for (const part of parts) {
    const inner = fieldsOf(part, 'cause', 'error', 'errors').flat();
    for (const each of inner) if (isObject(each) && parts.size < MAX_PARTS) parts.add(each);
  }
  return [...parts];
}

function firstOf<T>(parts: readonly unknown[], find: (part: unknown) => T | undefined): T | undefined {
  return parts.map(find).find((found) => found !== undefined);
}

/** The fields with these names, of which `a.b` is a field of a field. */
function fieldsOf(part: unknown, ...names: readonly string[]): unknown[] {
  return names.map((name) => name.split('.').reduce<unknown>(readField, part));
}

function textIn(part: unknown, ...names: readonly string[]): string {
  const texts = fieldsOf(part, ...names).filter((field) => typeof field === 'string');
  return texts.join(' ');
}

/** The HTTP status, under the names that these libraries use. */
function statusOf(part: unknown): number | undefined {
  const candidates = fieldsOf(part, 'statusCode', 'status', 'httpStatus', 'response.status');
  return candidates.find((candidate) => typeof candidate === 'number');
}

/** Numbers of Entra errors have five digits at least; where Entra has one, Azure Arc has the HTTP status. */
const SMALLEST_AADSTS = 10_000;

/** The number of an Entra error: from the fields of @azure/identity and msal, else from the text that both quote. */
function aadstsOf(part: unknown): number | undefined {
  const [, quoted] = /AADSTS(\d+)/.exec(textIn(part, 'message', 'errorResponse.errorDescription')) ?? [];
  const candidates = [...fieldsOf(part, 'errorResponse.errorCodes', 'errorNo').flat(), quoted];
  return candidates.map(Number).find((code) => Number.isInteger(code) && code >= SMALLEST_AADSTS);
}

function oauthErrorOf(part: unknown): string | undefined {
  // @azure/identity keeps only the message of an msal error; it begins with the code.
  const [, quoted] = /^([a-z_]+): /.exec(textIn(part, 'message')) ?? [];
  const candidates = fieldsOf(part, 'errorResponse.error', 'errorCode');
  return candidates.filter((candidate) => typeof candidate === 'string').find(Boolean) ?? quoted;
}

/**
 * The time until the service accepts the next request, in ms; `undefined` if the response does not state it.
 *
 * @param error Any object with the headers of the response where the Azure SDK, msal or fetch put them.
 */
export function retryAfterOf(error: unknown): number | undefined {
  const holders = fieldsOf(error, 'headers', 'responseHeaders', 'response.headers');
  return firstOf(holders, (headers) => {
    // The headers of Azure services, in milliseconds, and the standard one (RFC 9110, 10.2.3).
    const inMilliseconds = ['retry-after-ms', 'x-ms-retry-after-ms'].map((name) => headerOf(headers, name));
    const wait = inMilliseconds.map((text) => Number(text ?? NaN)).find((milliseconds) => milliseconds >= 0);
    return wait ?? parseRetryAfter(headerOf(headers, 'retry-after'));
  });
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
