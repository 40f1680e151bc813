import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Application, EntraEmulator, ManagedIdentity } from '../../../emulator/index.js';
import { createClientCertificate, encryptKey } from './client-certificates.js';
import type { IdentityDescription } from './identity-options.js';

/** What all environments share. */
export interface EnvironmentsContext {
  readonly entra: EntraEmulator;
  /** Gives an identity access to the caches. */
  readonly grant: (objectId: string) => Promise<void>;
  /** The system-assigned identity, of which a machine has one. */
  readonly systemAssigned: ManagedIdentity;
  /** Where files can be put. */
  readonly folder: string;
}

/** Where a program runs, prepared. */
export interface PreparedEnvironments {
  /** The environment variables of the program. */
  readonly environment: Readonly<Record<string, string>>;
  readonly identities: readonly IdentityDescription[];
  /** The secrets that must not be shown, by the names in `secretNames`. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** Where a program can run, and who it can be there. */
export interface Environments {
  /** The options that name the identity, in the order of `identities`. */
  readonly names: readonly string[];
  /** The names of its secrets. */
  readonly secretNames: readonly string[];
  prepare(context: EnvironmentsContext): Promise<PreparedEnvironments>;
}

type ServicePrincipalOption = Extract<IdentityDescription, { kind: 'servicePrincipal' }>['option'];
// As one that is taken apart loses which of both it was.
type Proof =
  | Pick<Extract<ServicePrincipalOption, { certificate?: undefined }>, 'clientSecret'>
  | Pick<Extract<ServicePrincipalOption, { clientSecret?: undefined }>, 'certificate' | 'sendX5c'>;

interface Parts {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

function environment<Own extends Parts>(
  prepare: (context: EnvironmentsContext) => Promise<Own>,
  identities: Readonly<Record<string, (parts: Own) => IdentityDescription>>,
  secretNames: readonly string[] = [],
): Environments {
  return {
    names: Object.keys(identities),
    secretNames,
    async prepare(context) {
      const parts = await prepare(context);
      const { environment, secrets = {} } = parts;
      return {
        environment,
        secrets,
        identities: Object.values(identities).map((identity) => identity(parts)),
      };
    },
  };
}

interface UserAssigned extends Parts {
  readonly identity: ManagedIdentity;
}

const managedIdentities: Readonly<Record<string, (parts: UserAssigned) => IdentityDescription>> = {
  'managedIdentity: true': () => ({ kind: 'managedIdentity', option: true }),
  'managedIdentity: { clientId }': ({ identity: { clientId } }) => ({
    kind: 'managedIdentity',
    option: { clientId },
  }),
  'managedIdentity: { resourceId }': ({ identity: { resourceId } }) => ({
    kind: 'managedIdentity',
    option: { resourceId },
  }),
  'managedIdentity: { objectId }': ({ identity: { objectId } }) => ({
    kind: 'managedIdentity',
    option: { objectId },
  }),
};

/** Every row of the identity table, and the credentials of `@azure/identity` that cover the rest. */
export const allEnvironments: Readonly<Record<string, Environments>> = {
  'on a virtual machine': environment(
    async (context) => ({
      environment: context.entra.imdsEnvironment,
      identity: await addUserAssigned(context),
    }),
    {
      ...managedIdentities,
      'no option (DefaultAzureCredential)': () => ({ kind: 'default' }),
      'credential: ManagedIdentityCredential': () => ({
        kind: 'credential',
        name: 'ManagedIdentityCredential',
      }),
    },
  ),

  'in App Service': environment(
    async (context) => {
      const environment = context.entra.appServiceEnvironment;
      const { IDENTITY_HEADER: identityHeader = '' } = environment;
      return { environment, identity: await addUserAssigned(context), secrets: { identityHeader } };
    },
    managedIdentities,
    ['identityHeader'],
  ),

  'in an AKS pod with a workload identity': environment(
    async (context) => {
      const application = await addApplication(context);
      const pod = await context.entra.addWorkloadIdentity(application);
      const federatedToken = await readFile(pod['AZURE_FEDERATED_TOKEN_FILE'] ?? '', 'utf8');
      return {
        environment: { ...authority(context), ...pod },
        clientId: application.clientId,
        secrets: { federatedToken },
      };
    },
    {
      'managedIdentity: true': () => ({ kind: 'managedIdentity', option: true }),
      'managedIdentity: { clientId }': ({ clientId }) => ({ kind: 'managedIdentity', option: { clientId } }),
      'no option (DefaultAzureCredential)': () => ({ kind: 'default' }),
      'credential: WorkloadIdentityCredential': () => ({
        kind: 'credential',
        name: 'WorkloadIdentityCredential',
      }),
    },
    ['federatedToken'],
  ),

  'with a secret in the environment': environment(
    async (context) => {
      const application = await addApplication(context);
      const clientSecret = application.addSecret();
      const environment = {
        ...authority(context),
        AZURE_TENANT_ID: context.entra.tenantId,
        AZURE_CLIENT_ID: application.clientId,
        AZURE_CLIENT_SECRET: clientSecret,
      };
      return { environment, secrets: { clientSecret } };
    },
    {
      'no option (DefaultAzureCredential)': () => ({ kind: 'default' }),
      'credential: DefaultAzureCredential': () => ({ kind: 'credential', name: 'DefaultAzureCredential' }),
      'credential: EnvironmentCredential': () => ({ kind: 'credential', name: 'EnvironmentCredential' }),
      'credential: ChainedTokenCredential, whose first is refused': () => ({
        kind: 'credential',
        name: 'ChainedTokenCredential',
      }),
    },
    ['clientSecret'],
  ),

  anywhere: environment(
    async (context) => {
      const certificates = await certificatePrincipals(context);
      const secret = await secretPrincipal(context);
      const user = await signedInUser(context);
      return {
        ...certificates,
        ...secret,
        ...user,
        environment: authority(context),
        secrets: { ...certificates.secrets, ...secret.secrets, ...user.secrets },
      };
    },
    {
      'servicePrincipal with a secret': ({ secret }) => secret,
      'servicePrincipal with a certificate as PEM text': ({ pemText }) => pemText,
      'servicePrincipal with a certificate in a PEM file': ({ pemFile }) => pemFile,
      'servicePrincipal with an encrypted key and its password': ({ encryptedFile }) => encryptedFile,
      'servicePrincipal with Subject Name + Issuer (sendX5c)': ({ subjectName }) => subjectName,
      'credential: a user of AuthorizationCodeFlow': ({ user }) => user,
    },
    ['password', 'key', 'keyOfNamed', 'clientSecret', 'userPassword'],
  ),
};

/** Lets a process find EntraEmulator, and trust its certificate. */
function authority({ entra }: EnvironmentsContext): Record<string, string> {
  return { AZURE_AUTHORITY_HOST: entra.authorityHost, NODE_EXTRA_CA_CERTS: entra.caFile };
}

async function addUserAssigned({ entra, grant }: EnvironmentsContext): Promise<ManagedIdentity> {
  const identity = entra.addManagedIdentity('userAssigned');
  await grant(identity.objectId);
  return identity;
}

async function addApplication({ entra, grant }: EnvironmentsContext): Promise<Application> {
  const application = entra.addApplication();
  await grant(application.objectId);
  return application;
}

/** A service principal, with what it proves itself with. */
function principal(
  { entra }: EnvironmentsContext,
  { clientId }: Application,
  proof: Proof,
): IdentityDescription {
  return { kind: 'servicePrincipal', option: { tenantId: entra.tenantId, clientId, ...proof } };
}

async function secretPrincipal(context: EnvironmentsContext) {
  const application = await addApplication(context);
  const clientSecret = application.addSecret();
  return { secret: principal(context, application, { clientSecret }), secrets: { clientSecret } };
}

async function certificatePrincipals(context: EnvironmentsContext) {
  const application = await addApplication(context);
  const certificate = await createClientCertificate();
  application.addCertificate(certificate.cert);
  const path = join(context.folder, 'certificate.pem');
  await writeFile(path, certificate.pem, { mode: 0o600 });
  const encryptedPath = join(context.folder, 'encrypted.pem');
  const password = 'correct-horse-battery-staple';
  const encryptedKey = encryptKey(certificate.key, password);
  await writeFile(encryptedPath, `${encryptedKey}\n${certificate.cert}`, { mode: 0o600 });

  const issuer = await createClientCertificate({ commonName: 'Company CA', authority: true });
  const named = await createClientCertificate({ commonName: 'my-app', issuer });
  const trusting = await addApplication(context);
  trusting.trustSubject({ subject: 'CN=my-app', issuer: issuer.cert });

  return {
    pemText: principal(context, application, { certificate: certificate.pem }),
    pemFile: principal(context, application, { certificate: { path } }),
    encryptedFile: principal(context, application, { certificate: { path: encryptedPath, password } }),
    subjectName: principal(context, trusting, { certificate: named.pem, sendX5c: true }),
    secrets: { password, key: certificate.key, keyOfNamed: named.key },
  };
}

async function signedInUser({ entra, grant }: EnvironmentsContext) {
  const password = 'Pa55w.rd of a user';
  const { objectId, username } = entra.addUser({ password });
  await grant(objectId);
  const { clientId } = entra.addApplication({
    publicClient: true,
    redirectUris: ['http://localhost/signed-in'],
  });
  const user: IdentityDescription = {
    kind: 'authorizationCode',
    application: { clientId, tenantId: entra.tenantId },
    user: { username, password },
  };
  return { user, secrets: { userPassword: password } };
}
