const CERTIFICATE =
  'Upload this certificate to the app registration (Certificates & secrets), or use the one that is registered there. With Subject Name + Issuer set `sendX5c: true`.';
const CLIENT_ID =
  'Check clientId: it is the "Application (client) ID" on the app registration\'s overview page.';
const FEDERATION =
  'Compare the federated credential of the app registration or managed identity with the issuer, subject and audience of the token. For AKS they are the OIDC issuer URL of the cluster, system:serviceaccount:<namespace>:<service account> and api://AzureADTokenExchange.';
const INTERACTION =
  'The tenant requires another step of the user (multi-factor authentication, a compliant device). Use AuthorizationCodeFlow for users; use a managed identity or a service principal for services.';
const SIGN_IN_AGAIN = 'The sign-in has expired. Let the user sign in again with a new AuthorizationCodeFlow.';
const TENANT_ID = "Check tenantId: it must be the tenant's GUID or one of its domain names.";
const USER = 'Check the account: it may be disabled, locked, or need a new password.';
const VERIFIER =
  'The code verifier does not belong to this sign-in: redeem it with the flow that returned the URL.';

/** What to do about each numbered error of Entra (AADSTS…) that another attempt with the same credential cannot change. */
// prettier-ignore
const REFUSALS: Readonly<Record<number, string>> = {
  50011: 'Add the redirect URI, exactly as given, to the app registration (Authentication, "Mobile and desktop").',
  50013: FEDERATION,
  50020: 'The account belongs to another tenant: invite it as a guest, or sign in with an account of this tenant.',
  50027: 'The client assertion is not a valid token: check that AZURE_FEDERATED_TOKEN_FILE names the file of the federated token, or export the certificate again.',
  50034: 'The user does not exist in this tenant: check the user name and tenantId.',
  50053: USER,
  50055: USER,
  50056: USER,
  50057: USER,
  50058: INTERACTION,
  50072: INTERACTION,
  50074: INTERACTION,
  50076: INTERACTION,
  50079: INTERACTION,
  50126: 'The user name or password is wrong.',
  50132: SIGN_IN_AGAIN,
  50148: VERIFIER,
  50158: INTERACTION,
  50173: SIGN_IN_AGAIN,
  50194: 'The application has a single tenant: set `tenantId` to that tenant, not to "common".',
  53000: INTERACTION,
  53003: 'A Conditional Access policy of the tenant blocks this sign-in: contact its administrator.',
  54005: 'An authorization code can be redeemed only once: begin the sign-in again.',
  65001: 'The application has no consent: let a user sign in once, or get the consent of an administrator.',
  65004: 'The user declined to consent.',
  70000: SIGN_IN_AGAIN,
  70008: SIGN_IN_AGAIN,
  70011: 'Check scope: for Azure Redis it is https://redis.azure.com/.default.',
  70021: FEDERATION,
  70043: SIGN_IN_AGAIN,
  90002: 'Check tenantId (the "Directory (tenant) ID") and that cloud or authorityHost is the tenant\'s cloud.',
  500011: 'Check `scope` and `cloud`: the tenant does not know the resource. The scope of Azure Redis is https://redis.azure.com/.default.',
  500112: 'Redeem the code with the redirect URI of the sign-in.',
  501481: VERIFIER,
  700016: `${CLIENT_ID} Check tenantId too: the application must be registered or consented to there.`,
  700021: CLIENT_ID,
  700023: 'The client assertion is for another authority: check cloud or authorityHost.',
  700025: 'The application is a public client: use it without a secret or certificate.',
  700027: CERTIFICATE,
  700030: CERTIFICATE,
  700082: SIGN_IN_AGAIN,
  700084: SIGN_IN_AGAIN,
  700211: FEDERATION,
  700212: FEDERATION,
  700213: FEDERATION,
  700222: FEDERATION,
  900021: TENANT_ID,
  900023: TENANT_ID,
  900382: 'Check cloud or authorityHost: the tenant is in another cloud.',
  900432: 'Check cloud or authorityHost: the application is in another cloud.',
  1002012: 'Check scope: it must end in /.default.',
  7000112: 'The application is disabled in this tenant: enable it under Enterprise applications.',
  7000215: 'Use the "Value" of the secret, not its "Secret ID" (app registration, Certificates & secrets).',
  7000216: 'The application needs a client secret or a certificate: set `clientSecret` or `certificate`.',
  7000218: 'The application is not a public client: set "Allow public client flows" and a "Mobile and desktop" redirect URI.',
  7000222: 'The client secret has expired: add a new one to the app registration and use that.',
  9002327: 'Register the redirect URI as "Mobile and desktop", not as "Single-page application".',
};

const BUSY = 'Microsoft Entra is busy. The request is retried automatically.';

/** The same for those that another attempt can change. */
// prettier-ignore
const FAULTS: Readonly<Record<number, string>> = {
  50086: BUSY,
  50196: `${BUSY} The application sent too many requests in a short time.`,
  90006: BUSY,
  90012: BUSY,
  90024: BUSY,
  90033: BUSY,
  90055: BUSY,
  399284: BUSY,
  // The next attempt replaces an expired assertion: it signs a new one, or reads it from the token file.
  700024: "Check this machine's clock: it must be accurate to a few minutes.",
};

/**
 * The meaning of a numbered Entra error (AADSTS…).
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export function aadstsMeaning(code: number): { readonly permanent: boolean; readonly hint: string } {
  const fault = FAULTS[code];
  if (fault !== undefined) return { permanent: false, hint: fault };
  const page = `See https://login.microsoftonline.com/error?code=${code} for what AADSTS${code} means.`;
  return { permanent: true, hint: REFUSALS[code] ?? page };
}
