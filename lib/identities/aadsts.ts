/** The meaning of a numbered Entra error (AADSTS…) for the login to a cache. */
export interface EntraErrorMeaning {
  /** Whether another attempt with the same credential can succeed. */
  readonly transient?: boolean;
  readonly hint: string;
}

const CLIENT_ID =
  'Check clientId: it is the "Application (client) ID" on the app registration\'s overview page.';
const CERTIFICATE =
  'Upload this certificate to the app registration (Certificates & secrets), or use the one that is registered there. With Subject Name + Issuer set `sendX5c: true`.';
const SIGN_IN_AGAIN = 'The sign-in has expired. Let the user sign in again with a new AuthorizationCodeFlow.';
const FEDERATION =
  'Compare the federated credential of the app registration or managed identity with the issuer, subject and audience of the token. For AKS they are the OIDC issuer URL of the cluster, system:serviceaccount:<namespace>:<service account> and api://AzureADTokenExchange.';
const CLOCK = "Check this machine's clock: it must be accurate to a few minutes.";
const BUSY = 'Microsoft Entra is busy. The request is retried automatically.';
const USER = 'Check the account: it may be disabled, locked, or need a new password.';
const INTERACTION =
  'The tenant requires another step of the user (multi-factor authentication, a compliant device). Use AuthorizationCodeFlow for users; use a managed identity or a service principal for services.';

/**
 * The meanings of Entra's error numbers.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export const AADSTS_ERRORS: ReadonlyMap<number, EntraErrorMeaning> = new Map([
  [
    7000215,
    {
      hint: 'Use the "Value" of the secret, not its "Secret ID" (app registration, Certificates & secrets).',
    },
  ],
  [7000222, { hint: 'The client secret has expired: add a new one to the app registration and use that.' }],
  [
    7000216,
    { hint: 'The application needs a client secret or a certificate: set `clientSecret` or `certificate`.' },
  ],
  [
    7000218,
    {
      hint: 'The application is not a public client: set "Allow public client flows" and a "Mobile and desktop" redirect URI.',
    },
  ],
  [700025, { hint: 'The application is a public client: use it without a secret or certificate.' }],
  [7000112, { hint: 'The application is disabled in this tenant: enable it under Enterprise applications.' }],
  [
    700016,
    { hint: `${CLIENT_ID} Check tenantId too: the application must be registered or consented to there.` },
  ],
  [
    90002,
    {
      hint: 'Check tenantId (the "Directory (tenant) ID") and that cloud or authorityHost is the tenant\'s cloud.',
    },
  ],
  [900021, { hint: "Check tenantId: it must be the tenant's GUID or one of its domain names." }],
  [900023, { hint: "Check tenantId: it must be the tenant's GUID or one of its domain names." }],
  [900382, { hint: 'Check cloud or authorityHost: the tenant is in another cloud.' }],
  [900432, { hint: 'Check cloud or authorityHost: the application is in another cloud.' }],
  [50194, { hint: 'The application has a single tenant: set `tenantId` to that tenant, not to "common".' }],
  [
    50020,
    {
      hint: 'The account belongs to another tenant: invite it as a guest, or sign in with an account of this tenant.',
    },
  ],
  [50034, { hint: 'The user does not exist in this tenant: check the user name and tenantId.' }],
  [50053, { hint: USER }],
  [50055, { hint: USER }],
  [50056, { hint: USER }],
  [50057, { hint: USER }],
  [50126, { hint: 'The user name or password is wrong.' }],
  [50072, { hint: INTERACTION }],
  [50074, { hint: INTERACTION }],
  [50076, { hint: INTERACTION }],
  [50079, { hint: INTERACTION }],
  [50158, { hint: INTERACTION }],
  [53000, { hint: INTERACTION }],
  [
    53003,
    { hint: 'A Conditional Access policy of the tenant blocks this sign-in: contact its administrator.' },
  ],
  [
    65001,
    {
      hint: 'The application has no consent: let a user sign in once, or get the consent of an administrator.',
    },
  ],
  [65004, { hint: 'The user declined to consent.' }],
  [
    50011,
    {
      hint: 'Add the redirect URI, exactly as given, to the app registration (Authentication, "Mobile and desktop").',
    },
  ],
  [500112, { hint: 'Redeem the code with the redirect URI of the sign-in.' }],
  [9002327, { hint: 'Register the redirect URI as "Mobile and desktop", not as "Single-page application".' }],
  [
    500011,
    {
      hint: 'Check `scope` and `cloud`: the tenant does not know the resource. The scope of Azure Redis is https://redis.azure.com/.default.',
    },
  ],
  [70011, { hint: 'Check scope: for Azure Redis it is https://redis.azure.com/.default.' }],
  [1002012, { hint: 'Check scope: it must end in /.default.' }],
  [700027, { hint: CERTIFICATE }],
  [700030, { hint: CERTIFICATE }],
  [50027, { hint: CERTIFICATE }],
  [700021, { hint: CLIENT_ID }],
  [700023, { hint: 'The client assertion is for another authority: check cloud or authorityHost.' }],
  [70021, { hint: FEDERATION }],
  [700211, { hint: FEDERATION }],
  [700212, { hint: FEDERATION }],
  [700213, { hint: FEDERATION }],
  [700222, { hint: FEDERATION }],
  [50013, { hint: FEDERATION }],
  // The next attempt replaces an expired assertion: it signs a new one, or reads it from the token file.
  [700024, { transient: true, hint: CLOCK }],
  [54005, { hint: 'An authorization code can be redeemed only once: begin the sign-in again.' }],
  [70008, { hint: SIGN_IN_AGAIN }],
  [70000, { hint: SIGN_IN_AGAIN }],
  [70043, { hint: SIGN_IN_AGAIN }],
  [700082, { hint: SIGN_IN_AGAIN }],
  [700084, { hint: SIGN_IN_AGAIN }],
  [50173, { hint: SIGN_IN_AGAIN }],
  [50132, { hint: SIGN_IN_AGAIN }],
  [
    501481,
    {
      hint: 'The code verifier does not belong to this sign-in: redeem it with the flow that returned the URL.',
    },
  ],
  [
    50148,
    {
      hint: 'The code verifier does not belong to this sign-in: redeem it with the flow that returned the URL.',
    },
  ],
  [50196, { transient: true, hint: `${BUSY} The application sent too many requests in a short time.` }],
  [50058, { hint: INTERACTION }],
  [50086, { transient: true, hint: BUSY }],
  [90006, { transient: true, hint: BUSY }],
  [90012, { transient: true, hint: BUSY }],
  [90024, { transient: true, hint: BUSY }],
  [90033, { transient: true, hint: BUSY }],
  [90055, { transient: true, hint: BUSY }],
  [399284, { transient: true, hint: BUSY }],
]);

/** The hint for a number that is not in {@link AADSTS_ERRORS}. */
export function aadstsPage(code: number): string {
  return `See https://login.microsoftonline.com/error?code=${code} for what AADSTS${code} means.`;
}
