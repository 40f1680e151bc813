import { input, password, select } from '@inquirer/prompts';
import type { IdentityKind } from '../../cli/identity-flags.js';
import type { ConnectFlags } from './flags.js';

type Choice = IdentityKind | 'subject-name';

const IDENTITIES: readonly { readonly value: Choice; readonly name: string }[] = [
  { value: 'default', name: 'DefaultAzureCredential (az login, environment, managed identity …)' },
  { value: 'system-assigned', name: 'System-assigned managed identity' },
  { value: 'user-assigned', name: 'User-assigned managed identity' },
  { value: 'client-secret', name: 'Service principal with a secret' },
  { value: 'client-certificate', name: 'Service principal with a certificate' },
  { value: 'subject-name', name: 'Service principal with a certificate, by Subject Name + Issuer' },
  { value: 'user', name: 'User, who signs in in the browser' },
  { value: 'access-key', name: 'Access key of the cache (no Entra)' },
];

/**
 * Asks for what the flags and the environment do not say. Secrets are not shown as they are typed. Resolves to nothing if
 * the user ends the program with Ctrl+C.
 */
export async function askForMissing(flags: ConnectFlags): Promise<ConnectFlags | undefined> {
  try {
    return await askFor(flags);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ExitPromptError') throw error;
    process.exitCode = 130;
    return undefined;
  }
}

async function askFor(flags: ConnectFlags): Promise<ConnectFlags> {
  const place = flags.host === undefined ? await askForPlace() : {};
  const known = { ...flags, ...place };
  if (known.host === undefined || known.identity !== undefined) return known;
  const choice = await select({ message: 'Who logs in?', choices: IDENTITIES, pageSize: IDENTITIES.length });
  return { ...known, ...(await askForIdentity(choice, known)) };
}

async function askForPlace(): Promise<ConnectFlags> {
  const place = await select({
    message: 'Where is the cache?',
    choices: [
      { value: 'emulator', name: 'Emulator on this machine, with tokens that expire after 5 s' },
      { value: 'azure', name: 'Azure' },
    ],
  });
  if (place === 'emulator') return {};
  const host = await required('Host name, such as my-cache.westeurope.redis.azure.net:');
  const port = await input({ message: 'Port (empty: the one of the host suffix):' });
  return { host: host.trim(), ...(port !== '' && { port: port.trim() }) };
}

async function askForIdentity(choice: Choice, flags: ConnectFlags): Promise<ConnectFlags> {
  switch (choice) {
    case 'default':
    case 'system-assigned':
      return { identity: choice };
    case 'user-assigned':
      return { identity: choice, ...(await askForManagedIdentity()) };
    case 'client-secret':
      return {
        identity: choice,
        ...(await askForApplication(flags)),
        clientSecret: await secret('Client secret:', flags.clientSecret, 'AZURE_CLIENT_SECRET'),
      };
    case 'client-certificate':
    case 'subject-name':
      return {
        identity: 'client-certificate',
        ...(await askForApplication(flags)),
        ...(await askForCertificate(flags)),
        ...(choice === 'subject-name' && { sendX5c: true }),
      };
    case 'user':
      return { identity: choice, ...(await askForApplication(flags)) };
    case 'access-key':
      return {
        identity: choice,
        accessKey: await secret('Access key:', flags.accessKey, 'AZURE_REDIS_ACCESS_KEY'),
      };
  }
}

async function askForManagedIdentity(): Promise<ConnectFlags> {
  const key = await select({
    message: 'Which one? By its',
    choices: [
      { value: 'clientId', name: 'client id' },
      { value: 'objectId', name: 'object id' },
      { value: 'identityResourceId', name: 'Azure resource id' },
    ] as const,
  });
  return { [key]: await required('Id:') };
}

async function askForApplication({ tenantId, clientId }: ConnectFlags): Promise<ConnectFlags> {
  return {
    tenantId: tenantId ?? (await required('Tenant id:', 'AZURE_TENANT_ID')),
    clientId: clientId ?? (await required('Client id of the application:', 'AZURE_CLIENT_ID')),
  };
}

async function askForCertificate({ certificate, certificatePassword }: ConnectFlags): Promise<ConnectFlags> {
  const file =
    certificate ?? (await required('PEM file with certificate and key:', 'AZURE_CLIENT_CERTIFICATE_PATH'));
  const given = certificatePassword ?? process.env['AZURE_CLIENT_CERTIFICATE_PASSWORD'];
  const typed = given ?? (await password({ message: 'Password of the key (empty: none):' }));
  return { certificate: file, ...(typed !== '' && { certificatePassword: typed }) };
}

/** A text, for which an environment variable is the proposal. */
function required(message: string, variable?: string): Promise<string> {
  const proposal = variable === undefined ? undefined : process.env[variable];
  return input({ message, required: true, ...(proposal !== undefined && { default: proposal }) });
}

async function secret(message: string, flag: string | undefined, variable: string): Promise<string> {
  const given = flag ?? process.env[variable];
  if (given !== undefined && given !== '') return given;
  return password({ message, validate: (value) => value !== '' || 'Type or paste it; nothing is shown.' });
}
