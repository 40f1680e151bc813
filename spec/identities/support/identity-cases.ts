import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalEntra } from '../../../lib/testing/entra/index.js';
import { type ClientCertificate, createClientCertificate, encryptKey } from './client-certificates.js';
import type { IdentityDescription } from './identity-options.js';

/** A way into Azure: an identity, and the environment in which it works. */
export interface IdentityCase {
  readonly identity: IdentityDescription;
  /** The environment variables of the process that logs in. */
  readonly environment: Readonly<Record<string, string>>;
  /** The object id by which the cache knows the identity. */
  readonly objectId: string;
  /** What must be shown nowhere, by its name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What the cases share. */
export interface CaseContext {
  readonly entra: LocalEntra;
  /** Where files can be put. */
  readonly folder: string;
}

export async function createCaseFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'identity-cases-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Every row of the identity table, and the credentials of `@azure/identity` that cover the rest. */
export const identityCases: Readonly<Record<string, (context: CaseContext) => Promise<IdentityCase>>> = {
  'managedIdentity: true on a virtual machine': ({ entra }) =>
    managed(entra, 'systemAssigned', () => true, entra.imdsEnvironment),
  'managedIdentity: true in App Service': ({ entra }) =>
    managed(entra, 'systemAssigned', () => true, entra.appServiceEnvironment),
  'managedIdentity: { clientId } on a virtual machine': ({ entra }) =>
    managed(entra, 'userAssigned', ({ clientId }) => ({ clientId }), entra.imdsEnvironment),
  'managedIdentity: { resourceId } on a virtual machine': ({ entra }) =>
    managed(entra, 'userAssigned', ({ resourceId }) => ({ resourceId }), entra.imdsEnvironment),
  'managedIdentity: { objectId } on a virtual machine': ({ entra }) =>
    managed(entra, 'userAssigned', ({ objectId }) => ({ objectId }), entra.imdsEnvironment),
  'managedIdentity: { clientId } in App Service': ({ entra }) =>
    managed(entra, 'userAssigned', ({ clientId }) => ({ clientId }), entra.appServiceEnvironment),
  'managedIdentity: { resourceId } in App Service': ({ entra }) =>
    managed(entra, 'userAssigned', ({ resourceId }) => ({ resourceId }), entra.appServiceEnvironment),
  'managedIdentity: { objectId } in App Service': ({ entra }) =>
    managed(entra, 'userAssigned', ({ objectId }) => ({ objectId }), entra.appServiceEnvironment),
  'managedIdentity: true in an AKS pod with a workload identity': async ({ entra }) => {
    const application = entra.addApplication();
    const environment = { ...authority(entra), ...(await entra.addWorkloadIdentity(application)) };
    return {
      identity: { kind: 'managedIdentity', option: true },
      environment,
      objectId: application.objectId,
    };
  },

  'servicePrincipal with a secret': ({ entra }) => {
    const application = entra.addApplication();
    const clientSecret = application.addSecret();
    return Promise.resolve(principal(entra, application, { clientSecret }, { clientSecret }));
  },
  'servicePrincipal with a certificate as PEM text': async ({ entra }) => {
    const { application, certificate } = await certified(entra);
    return principal(entra, application, { certificate: certificate.pem }, { key: certificate.key });
  },
  'servicePrincipal with a certificate in a PEM file': async ({ entra, folder }) => {
    const { application, certificate } = await certified(entra);
    const path = join(folder, 'certificate.pem');
    await writeFile(path, certificate.pem, { mode: 0o600 });
    return principal(entra, application, { certificate: { path } }, { key: certificate.key });
  },
  'servicePrincipal with an encrypted key and its password': async ({ entra, folder }) => {
    const { application, certificate } = await certified(entra);
    const path = join(folder, 'encrypted.pem');
    const password = 'correct-horse-battery-staple';
    await writeFile(path, `${encryptKey(certificate.key, password)}\n${certificate.cert}`, { mode: 0o600 });
    return principal(
      entra,
      application,
      { certificate: { path, password } },
      { key: certificate.key, password },
    );
  },
  'servicePrincipal with Subject Name + Issuer (sendX5c)': async ({ entra }) => {
    const issuer = await createClientCertificate({ commonName: 'Company CA', authority: true });
    const certificate = await createClientCertificate({ commonName: 'my-app', issuer });
    const application = entra.addApplication();
    application.trustSubject({ subject: 'CN=my-app', issuer: issuer.cert });
    return principal(
      entra,
      application,
      { certificate: certificate.pem, sendX5c: true },
      { key: certificate.key },
    );
  },

  'DefaultAzureCredential with a secret in the environment': ({ entra }) =>
    Promise.resolve(inEnvironment(entra, { kind: 'default' })),
  'DefaultAzureCredential with a workload identity': ({ entra }) => workload(entra, { kind: 'default' }),
  'DefaultAzureCredential with a managed identity': ({ entra }) => {
    const { objectId } = entra.addManagedIdentity('systemAssigned');
    return Promise.resolve({ identity: { kind: 'default' }, environment: entra.imdsEnvironment, objectId });
  },
  'credential: EnvironmentCredential': ({ entra }) =>
    Promise.resolve(inEnvironment(entra, { kind: 'credential', name: 'EnvironmentCredential' })),
  'credential: WorkloadIdentityCredential': ({ entra }) =>
    workload(entra, { kind: 'credential', name: 'WorkloadIdentityCredential' }),
  'credential: ManagedIdentityCredential': ({ entra }) => {
    const { objectId } = entra.addManagedIdentity('systemAssigned');
    return Promise.resolve({
      identity: { kind: 'credential', name: 'ManagedIdentityCredential' },
      environment: entra.imdsEnvironment,
      objectId,
    });
  },
  'credential: DefaultAzureCredential': ({ entra }) =>
    Promise.resolve(inEnvironment(entra, { kind: 'credential', name: 'DefaultAzureCredential' })),
  'credential: ChainedTokenCredential, whose first is refused': ({ entra }) =>
    Promise.resolve(inEnvironment(entra, { kind: 'credential', name: 'ChainedTokenCredential' })),
  'credential: a user of AuthorizationCodeFlow': ({ entra }) => {
    const password = 'Pa55w.rd of a user';
    const { objectId, username } = entra.addUser({ password });
    const { clientId } = entra.addApplication({
      publicClient: true,
      redirectUris: ['http://localhost/signed-in'],
    });
    return Promise.resolve({
      identity: {
        kind: 'authorizationCode',
        application: { clientId, tenantId: entra.tenantId },
        user: { username, password },
      },
      environment: authority(entra),
      objectId,
      secrets: { password },
    });
  },
};

type Application = ReturnType<LocalEntra['addApplication']>;
type ManagedIdentity = ReturnType<LocalEntra['addManagedIdentity']>;
type ManagedIdentityOption = Extract<IdentityDescription, { kind: 'managedIdentity' }>['option'];
type ServicePrincipalOption = Extract<IdentityDescription, { kind: 'servicePrincipal' }>['option'];
type Proof =
  { clientSecret: string } | { certificate: string | { path: string; password?: string }; sendX5c?: boolean };

function authority(entra: LocalEntra): Record<string, string> {
  return { AZURE_AUTHORITY_HOST: entra.authorityHost, NODE_EXTRA_CA_CERTS: entra.caFile };
}

function managed(
  entra: LocalEntra,
  kind: 'systemAssigned' | 'userAssigned',
  option: (identity: ManagedIdentity) => ManagedIdentityOption,
  environment: Record<string, string>,
): Promise<IdentityCase> {
  const identity = entra.addManagedIdentity(kind);
  return Promise.resolve({
    identity: { kind: 'managedIdentity', option: option(identity) },
    environment,
    objectId: identity.objectId,
    secrets: { IDENTITY_HEADER: environment['IDENTITY_HEADER'] ?? '' },
  });
}

async function certified(
  entra: LocalEntra,
): Promise<{ application: Application; certificate: ClientCertificate }> {
  const application = entra.addApplication();
  const certificate = await createClientCertificate();
  application.addCertificate(certificate.cert);
  return { application, certificate };
}

function principal(
  entra: LocalEntra,
  { clientId, objectId }: Application,
  proof: Proof,
  secrets: Readonly<Record<string, string>>,
): IdentityCase {
  const option: ServicePrincipalOption = { tenantId: entra.tenantId, clientId, ...proof };
  return { identity: { kind: 'servicePrincipal', option }, environment: authority(entra), objectId, secrets };
}

function inEnvironment(entra: LocalEntra, identity: IdentityDescription): IdentityCase {
  const application = entra.addApplication();
  const clientSecret = application.addSecret();
  const environment = {
    ...authority(entra),
    AZURE_TENANT_ID: entra.tenantId,
    AZURE_CLIENT_ID: application.clientId,
    AZURE_CLIENT_SECRET: clientSecret,
  };
  return { identity, environment, objectId: application.objectId, secrets: { clientSecret } };
}

async function workload(entra: LocalEntra, identity: IdentityDescription): Promise<IdentityCase> {
  const application = entra.addApplication();
  const environment = { ...authority(entra), ...(await entra.addWorkloadIdentity(application)) };
  return { identity, environment, objectId: application.objectId };
}
