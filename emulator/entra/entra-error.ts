import { randomUUID } from 'node:crypto';

/** An error response of Entra: the OAuth error and the error number (AADSTS…). */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  /** The HTTP status. */
  readonly status: number;
  /** The OAuth error. */
  readonly error: string;
  /** The number after `AADSTS`. */
  readonly code: number;

  constructor(status: number, error: string, code: number, message: string) {
    super(`AADSTS${code}: ${message}`);
    this.status = status;
    this.error = error;
    this.code = code;
  }

  /** The body of the response. */
  get body(): Record<string, unknown> {
    const timestamp = new Date().toISOString().replace('T', ' ').replace(/\.\d+/, '');
    const traceId = randomUUID();
    const correlationId = randomUUID();
    return {
      error: this.error,
      error_description: `${this.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [this.code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${this.code}`,
    };
  }
}

const requestError = (code: number, message: string): EntraError =>
  new EntraError(400, 'invalid_request', code, message);

const grantError = (code: number, message: string): EntraError =>
  new EntraError(400, 'invalid_grant', code, message);

const clientError = (code: number, message: string): EntraError =>
  new EntraError(401, 'invalid_client', code, message);

export const missingParameter = (name: string) =>
  requestError(900144, `The request body must contain the following parameter: '${name}'.`);

export const unknownTenant = (tenant: string) =>
  requestError(
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`,
  );

export const unknownApplication = (clientId: string, tenant: string) =>
  new EntraError(
    400,
    'unauthorized_client',
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.`,
  );

export const unknownUser = (username: string) =>
  grantError(
    50034,
    `The user account ${username} does not exist in the directory. To sign into this application, the account must be added to the directory.`,
  );

export const wrongPassword = () =>
  grantError(50126, 'Error validating credentials due to invalid username or password.');

export const wrongSecret = (clientId: string) =>
  clientError(
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  );

export const expiredSecret = (clientId: string) =>
  clientError(7000222, `The provided client secret keys for app '${clientId}' are expired.`);

export const noClientCredential = () =>
  clientError(
    7000218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  );

export const needlessClientCredential = () =>
  clientError(
    700025,
    "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  );

export const unknownCertificate = (reason: string) =>
  clientError(
    700027,
    `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}]`,
  );

export const assertionOutOfTime = () =>
  clientError(700024, 'Client assertion is not within its valid time range.');

export const assertionOfAnotherClient = () =>
  clientError(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");

export const assertionForSomebodyElse = () =>
  clientError(700023, 'Client assertion audience claim does not match Realm issuer.');

export const malformedAssertion = (reason: string) =>
  clientError(50027, `JWT token is invalid or malformed: ${reason}.`);

export const noFederatedIdentity = (what: 'issuer' | 'audience' | 'subject', value: string) => {
  const code = { issuer: 700211, audience: 700212, subject: 700213 }[what];
  return clientError(
    code,
    `No matching federated identity record found for presented assertion ${what} '${value}'.`,
  );
};

export const unsupportedGrant = (grant: string) =>
  new EntraError(
    400,
    'unsupported_grant_type',
    70003,
    `The app requested an unsupported grant type '${grant}'.`,
  );

export const invalidScope = (scope: string) =>
  new EntraError(
    400,
    'invalid_scope',
    1002012,
    `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  );

export const unknownResource = (resource: string, tenant: string) =>
  new EntraError(
    400,
    'invalid_resource',
    500011,
    `The resource principal named ${resource} was not found in the tenant named ${tenant}.`,
  );

export const unregisteredRedirect = (redirectUri: string, clientId: string) =>
  new EntraError(
    400,
    'invalid_client',
    50011,
    `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'.`,
  );

export const otherRedirect = (given: string, requested: string) =>
  new EntraError(
    400,
    'invalid_client',
    500112,
    `The reply address '${given}' does not match the reply address '${requested}' provided when requesting Authorization code.`,
  );

export const invalidCode = () =>
  grantError(70000, 'The provided authorization code or refresh token is not valid.');

export const expiredCode = () =>
  grantError(
    70008,
    'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  );

export const redeemedCode = () =>
  grantError(
    54005,
    'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  );

export const revokedGrant = () =>
  grantError(50173, 'The provided grant has expired due to it being revoked, a fresh auth token is needed.');

export const wrongVerifier = () =>
  grantError(
    501481,
    'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  );

export const noPkce = () =>
  requestError(
    9002325,
    'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
  );

export const postOnly = () => requestError(900561, 'The endpoint only accepts POST requests.');

export const signInNeeded = () =>
  new EntraError(400, 'login_required', 50058, 'A silent sign-in request was sent but no user is signed in.');

export const signInCancelled = () =>
  new EntraError(400, 'access_denied', 65004, 'User declined to consent to access the app.');

export const throttledTenant = () =>
  new EntraError(429, 'temporarily_unavailable', 90055, 'The request is throttled. Please try again later.');

export const serverFault = (status: number) =>
  new EntraError(
    status,
    'temporarily_unavailable',
    90033,
    'A transient error has occurred. Please try again.',
  );
