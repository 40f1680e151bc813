import { AuthorizationCodeFlow, type IdentityOptions } from 'ioredis-azure';
import { openBrowser } from './open-browser.js';
import { RedirectListener } from './redirect-listener.js';

/** What has to be known of an identity: the flag, the question, and the variable that is read in their place. */
export const FIELDS = {
  'tenant-id': { question: 'Tenant id', variable: 'AZURE_TENANT_ID' },
  'client-id': { question: 'Client id', variable: 'AZURE_CLIENT_ID' },
  'client-secret': { question: 'Client secret', variable: 'AZURE_CLIENT_SECRET', isSecret: true },
  certificate: { question: 'PEM file with certificate and key', variable: 'AZURE_CLIENT_CERTIFICATE_PATH' },
  'certificate-password': {
    question: 'Password of the key (empty: none)',
    variable: 'AZURE_CLIENT_CERTIFICATE_PASSWORD',
    isSecret: true,
    isOptional: true,
  },
  'access-key': { question: 'Access key', variable: 'AZURE_REDIS_ACCESS_KEY', isSecret: true },
} as const;

export type Field = keyof typeof FIELDS;
type Answers = Readonly<Record<Field, string>>;

interface Identity {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly options: (answers: Answers) => IdentityOptions | Promise<IdentityOptions>;
}

const APPLICATION = ['tenant-id', 'client-id'] as const;

const certificateOf = (
  {
    'tenant-id': tenantId,
    'client-id': clientId,
    certificate: path,
    'certificate-password': password,
  }: Answers,
  sendX5c: boolean,
): IdentityOptions => {
  const certificate = { path, ...(password && { password }) };
  return { servicePrincipal: { tenantId, clientId, certificate, sendX5c } };
};

/** The values of `--identity`. */
export const IDENTITIES: Readonly<Record<string, Identity>> = {
  default: {
    title: 'DefaultAzureCredential (az login, environment, managed identity …)',
    fields: [],
    options: () => ({}),
  },
  'system-assigned': {
    title: 'System-assigned managed identity',
    fields: [],
    options: () => ({ managedIdentity: true }),
  },
  'user-assigned': {
    title: 'User-assigned managed identity',
    fields: ['client-id'],
    options: ({ 'client-id': clientId }) => ({ managedIdentity: { clientId } }),
  },
  secret: {
    title: 'Service principal with a secret',
    fields: [...APPLICATION, 'client-secret'],
    options: ({ 'tenant-id': tenantId, 'client-id': clientId, 'client-secret': clientSecret }) => ({
      servicePrincipal: { tenantId, clientId, clientSecret },
    }),
  },
  certificate: {
    title: 'Service principal with a certificate',
    fields: [...APPLICATION, 'certificate', 'certificate-password'],
    options: (answers) => certificateOf(answers, false),
  },
  'subject-name': {
    title: 'Service principal with a certificate, by Subject Name + Issuer',
    fields: [...APPLICATION, 'certificate', 'certificate-password'],
    options: (answers) => certificateOf(answers, true),
  },
  user: {
    title: 'User, who signs in in the browser (authorization code with PKCE)',
    fields: APPLICATION,
    options: signIn,
  },
  'access-key': {
    title: 'Access key of the cache (no Entra)',
    fields: ['access-key'],
    options: ({ 'access-key': accessKey }) => ({ accessKey }),
  },
};

/** The credential refreshes its tokens without the user. Instead of a secret it has a key that is made for this sign-in. */
async function signIn({ 'tenant-id': tenantId, 'client-id': clientId }: Answers): Promise<IdentityOptions> {
  const authorityHost = process.env['AZURE_AUTHORITY_HOST'];
  const redirect = await RedirectListener.start('/signed-in');
  try {
    const flow = new AuthorizationCodeFlow({
      tenantId,
      clientId,
      redirectUri: redirect.uri,
      ...(authorityHost && { authorityHost }),
    });
    const url = await flow.authorizationUrl();
    console.log(`Sign in here:\n${url}`);
    if (process.stdout.isTTY) openBrowser(url);
    return { credential: await flow.redeem(await redirect.received) };
  } finally {
    redirect.stop();
  }
}
