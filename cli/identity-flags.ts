import { readFileSync } from 'node:fs';
import type { TokenCredential } from '@azure/core-auth';
import { type Command, Option } from 'commander';
import type { AuthenticatorOptions, Cloud, IdentityOptions } from 'ioredis-azure';
import { UsageError } from './exit-code.js';

/** The kinds of identity, and the flags that belong to each. */
const FLAGS_OF_IDENTITY = {
  default: [],
  'system-assigned': [],
  'user-assigned': ['clientId', 'objectId', 'identityResourceId'],
  'client-secret': ['tenantId', 'clientId', 'clientSecret'],
  'client-certificate': ['tenantId', 'clientId', 'certificate', 'certificatePassword', 'sendX5c'],
  user: ['tenantId', 'clientId'],
  'access-key': ['accessKey'],
} as const;

/** The values of the flag `--identity`. */
export type IdentityKind = keyof typeof FLAGS_OF_IDENTITY;

type IdentityFlag = (typeof FLAGS_OF_IDENTITY)[IdentityKind][number];

/** Variables that complete a kind of identity. */
const VARIABLES: Partial<Record<IdentityFlag, string>> = {
  tenantId: 'AZURE_TENANT_ID',
  clientId: 'AZURE_CLIENT_ID',
  clientSecret: 'AZURE_CLIENT_SECRET',
  certificate: 'AZURE_CLIENT_CERTIFICATE_PATH',
  certificatePassword: 'AZURE_CLIENT_CERTIFICATE_PASSWORD',
  accessKey: 'AZURE_REDIS_ACCESS_KEY',
};

/** The time for a user to sign in, in ms. */
const SIGN_IN_TIMEOUT = 300_000;

const CLOUDS = ['public', 'usGovernment', 'china'] as const satisfies readonly Cloud[];

/** The values of the identity flags. */
export interface IdentityFlags {
  readonly identity?: IdentityKind;
  readonly clientId?: string;
  readonly objectId?: string;
  readonly identityResourceId?: string;
  readonly tenantId?: string;
  readonly clientSecret?: string;
  readonly certificate?: string;
  readonly certificatePassword?: string;
  readonly sendX5c?: boolean;
  readonly accessKey?: string;
  readonly cloud?: Cloud;
  readonly authorityHost?: string;
  readonly scope?: string;
  readonly username?: string;
  readonly ca?: string;
}

/** The options of `configureForAzure()` that the identity flags select. */
export type IdentityFlagOptions = IdentityOptions &
  Pick<AuthenticatorOptions, 'cloud' | 'authorityHost' | 'scope' | 'username' | 'acquireTimeout'> & {
    readonly tls?: { readonly ca: string };
  };

type Environment = Readonly<Record<string, string | undefined>>;

/** Declares the identity flags, in a group of their own in the help. */
export function addIdentityFlags(command: Command): Command {
  return command
    .optionsGroup('Identity:')
    .addOption(
      new Option(
        '--identity <kind>',
        'the kind of identity; default: inferred from the other flags, otherwise DefaultAzureCredential',
      ).choices(Object.keys(FLAGS_OF_IDENTITY)),
    )
    .option('--client-id <id>', 'client id of a managed identity or an application (AZURE_CLIENT_ID)')
    .option('--object-id <id>', 'object id of a user-assigned managed identity')
    .option('--identity-resource-id <id>', 'Azure resource id of a user-assigned managed identity')
    .option('--tenant-id <id>', 'tenant of an application or a user (AZURE_TENANT_ID)')
    .option(
      '--client-secret <secret>',
      'secret of an application; prefer AZURE_CLIENT_SECRET: flags are visible in process lists',
    )
    .option(
      '--certificate <file>',
      'PEM file with certificate and key of an application (AZURE_CLIENT_CERTIFICATE_PATH)',
    )
    .option(
      '--certificate-password <password>',
      'password of its key; prefer AZURE_CLIENT_CERTIFICATE_PASSWORD',
    )
    .option('--send-x5c', 'send the certificate chain (Subject Name + Issuer)')
    .option('--access-key <key>', 'access key of the cache, without Entra; prefer AZURE_REDIS_ACCESS_KEY')
    .addOption(
      new Option('--cloud <cloud>', 'the Azure cloud; default: derived from the host').choices(CLOUDS),
    )
    .option('--authority-host <url>', 'URL of the identity service (AZURE_AUTHORITY_HOST)')
    .option('--scope <scope>', 'scope of the tokens; default: https://redis.azure.com/.default')
    .option('--username <name>', 'Redis user name; default: the object id of the identity')
    .option('--ca <file>', 'PEM file of a certificate authority to trust for the cache')
    .optionsGroup('Options:');
}

/**
 * The kind of identity that the flags select. Variables alone select none, except `AZURE_REDIS_ACCESS_KEY`:
 * `DefaultAzureCredential` reads the others itself.
 *
 * @throws UsageError if the flags contradict each other.
 */
function identityKindOf(flags: IdentityFlags, environment: Environment): IdentityKind {
  const all: readonly IdentityFlag[] = Object.values(FLAGS_OF_IDENTITY).flat();
  const kind = flags.identity ?? inferKind(flags, environment);
  const applicable: readonly IdentityFlag[] = FLAGS_OF_IDENTITY[kind];
  const foreign = all.find((flag) => flags[flag] !== undefined && !applicable.includes(flag));
  if (foreign !== undefined) {
    throw new UsageError(`${written(foreign)} does not apply to the identity '${kind}'.`);
  }
  return kind;
}

/** A flag as it is written: --client-id. */
function written(flag: IdentityFlag): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function inferKind(flags: IdentityFlags, environment: Environment): IdentityKind {
  if (flags.accessKey !== undefined) return 'access-key';
  if (flags.clientSecret !== undefined) return 'client-secret';
  if (flags.certificate !== undefined) return 'client-certificate';
  if (flags.objectId !== undefined || flags.identityResourceId !== undefined) return 'user-assigned';
  if (flags.tenantId !== undefined) {
    if (environment['AZURE_CLIENT_SECRET']) return 'client-secret';
    if (environment['AZURE_CLIENT_CERTIFICATE_PATH']) return 'client-certificate';
    throw new UsageError(
      "--tenant-id needs --client-secret, --certificate, or --identity 'user' for a sign-in.",
    );
  }
  if (flags.clientId !== undefined) return 'user-assigned';
  return environment['AZURE_REDIS_ACCESS_KEY'] ? 'access-key' : 'default';
}

/**
 * The options of `configureForAzure()` that the flags and variables stand for.
 *
 * @throws UsageError if the flags contradict each other or are incomplete, or a file cannot be read.
 */
export async function identityOptionsOf(
  flags: IdentityFlags,
  environment: Environment = process.env,
): Promise<IdentityFlagOptions> {
  const { cloud, authorityHost, scope, username, ca } = flags;
  const kind = identityKindOf(flags, environment);
  const isUser = kind === 'user';
  return {
    ...(await identityOf(kind, flags, environment)),
    // The credential of a user has its own authority.
    ...(isUser && { acquireTimeout: SIGN_IN_TIMEOUT }),
    ...(!isUser && cloud !== undefined && { cloud }),
    ...(!isUser && authorityHost !== undefined && { authorityHost }),
    ...(scope !== undefined && { scope }),
    ...(username !== undefined && { username }),
    ...(ca !== undefined && { tls: { ca: readCertificates(ca) } }),
  };
}

async function identityOf(
  kind: IdentityKind,
  flags: IdentityFlags,
  environment: Environment,
): Promise<IdentityOptions> {
  const optional = (flag: Exclude<IdentityFlag, 'sendX5c'>): string | undefined =>
    flags[flag] ?? environment[VARIABLES[flag] ?? ''];
  const required = (flag: Exclude<IdentityFlag, 'sendX5c'>): string => {
    const value = optional(flag);
    if (value) return value;
    const variable = VARIABLES[flag];
    const alternative = variable === undefined ? '' : ` or the variable ${variable}`;
    throw new UsageError(`The identity '${kind}' needs ${written(flag)}${alternative}.`);
  };
  const application = (): { tenantId: string; clientId: string } => ({
    tenantId: required('tenantId'),
    clientId: required('clientId'),
  });
  switch (kind) {
    case 'default':
      return {};
    case 'system-assigned':
      return { managedIdentity: true };
    case 'user-assigned':
      return { managedIdentity: userAssignedIdentity(flags, () => required('clientId')) };
    case 'client-secret':
      return { servicePrincipal: { ...application(), clientSecret: required('clientSecret') } };
    case 'client-certificate': {
      const [path, password] = [required('certificate'), optional('certificatePassword')];
      const certificate = { path, ...(password && { password }) };
      return { servicePrincipal: { ...application(), certificate, ...(flags.sendX5c && { sendX5c: true }) } };
    }
    case 'user':
      return {
        credential: await signIn(optional('tenantId'), optional('clientId'), flags, environment),
      };
    case 'access-key':
      return { accessKey: required('accessKey') };
  }
}

function userAssignedIdentity(
  { clientId, objectId, identityResourceId }: IdentityFlags,
  defaultClientId: () => string,
): NonNullable<IdentityOptions['managedIdentity']> {
  const ids = [clientId, objectId, identityResourceId].filter((id) => id !== undefined);
  if (ids.length > 1) {
    throw new UsageError('Only one of --client-id, --object-id and --identity-resource-id can be given.');
  }
  if (objectId !== undefined) return { objectId };
  if (identityResourceId !== undefined) return { resourceId: identityResourceId };
  return { clientId: defaultClientId() };
}

/** A credential whose first token request opens the browser of this machine. */
async function signIn(
  tenantId: string | undefined,
  clientId: string | undefined,
  { authorityHost: given, cloud }: IdentityFlags,
  { AZURE_AUTHORITY_HOST: variable }: Environment,
): Promise<TokenCredential> {
  const { AzureAuthorityHosts, InteractiveBrowserCredential } = await import('@azure/identity');
  const hosts: Readonly<Record<Cloud, string>> = {
    public: AzureAuthorityHosts.AzurePublicCloud,
    usGovernment: AzureAuthorityHosts.AzureGovernment,
    china: AzureAuthorityHosts.AzureChina,
  };
  const ofCloud = cloud && hosts[cloud];
  const authorityHost = given ?? ofCloud ?? variable;
  process.stderr.write(
    'Sign in in the browser that opens on this machine; Ctrl+C cancels. Without a browser, run `az login ' +
      '--use-device-code` and use --identity default.\n',
  );
  return new InteractiveBrowserCredential({
    ...(tenantId && { tenantId }),
    ...(clientId && { clientId }),
    ...(authorityHost && {
      authorityHost,
      // Discovery sends a request to Azure's public cloud, which does not know private authorities.
      disableInstanceDiscovery: authorityHost !== ofCloud,
    }),
  });
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The file of --ca cannot be read: ${reason}.`);
  }
}
