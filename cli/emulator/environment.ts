import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { AzureRedisEmulator, EntraEmulator } from 'ioredis-azure/emulator';
import { CommandFailure, UsageError } from '../exit-code.js';
import type { EnvironmentIdentity } from './flags.js';
import type { EmulatorIdentity } from './identities.js';

const HEADER = '# Written by ioredis-azure emulator, which removes it when it ends.';

const DEFAULT_FILE = 'emulator.env';

/** The environment variables of a program, by name. */
export type Environment = Readonly<Record<string, string>>;

interface EnvironmentParts {
  readonly azure: AzureRedisEmulator;
  readonly entra: EntraEmulator;
  readonly identities: readonly EmulatorIdentity[];
  readonly identity: EnvironmentIdentity;
  readonly caFile: string;
  readonly caBundle: string;
}

/** The certificates of the emulator, and with them those that Node.js trusts by default. */
export function certificateFiles(
  azure: AzureRedisEmulator,
  entra: EntraEmulator,
): { readonly ca: string; readonly bundle: string } {
  const ca = [azure.ca, entra.ca].map((pem) => `${pem.trim()}\n`).join('');
  return { ca, bundle: `${ca}${rootCertificates.join('\n')}\n` };
}

/** The environment variables that let a program use the emulator. */
export function environmentOf({
  azure,
  entra,
  identities,
  identity,
  caFile,
  caBundle,
}: EnvironmentParts): Environment {
  const { clientId = '', clientSecret = '' } = identities.find(({ kind }) => kind === 'client-secret') ?? {};
  const selected: Environment =
    identity === 'managed-identity'
      ? entra.appServiceEnvironment
      : { AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret };
  return {
    REDIS_HOST: azure.host,
    REDIS_PORT: String(azure.port),
    REDIS_CA_FILE: caFile,
    AZURE_AUTHORITY_HOST: entra.authorityHost,
    AZURE_TENANT_ID: entra.tenantId,
    ...selected,
    // Node.js adds these to its own; the others replace theirs.
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: caBundle,
    REQUESTS_CA_BUNDLE: caBundle,
  };
}

/** The variables as a file that a shell sources. */
export function environmentText(environment: Environment): string {
  const lines = Object.entries(environment).map(([name, value]) => `export ${name}=${shellQuoted(value)}`);
  return `${[HEADER, ...lines].join('\n')}\n`;
}

/** A text that the shell reads as it is. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The path of the file of `--env`, if the flag was given.
 *
 * @throws UsageError if it would replace a file that another program wrote.
 */
export async function environmentFileOf(flag: string | true | undefined): Promise<string | undefined> {
  if (flag === undefined) return undefined;
  const path = resolve(flag === true ? DEFAULT_FILE : flag);
  const existing = await readFile(path, 'utf8').catch(() => HEADER);
  if (!existing.startsWith(HEADER)) {
    throw new UsageError(`The file of --env exists, and is not of an emulator: ${path}.`);
  }
  return path;
}

/**
 * Replaces the file of `--env` by a new one, which only this user can read: neither the mode of an existing file matters nor
 * where a symbolic link in its place leads.
 *
 * @throws CommandFailure if the file cannot be written.
 */
export async function writeEnvironment(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`The file of --env cannot be written: ${reason}.`, 'Choose another file.');
  }
}
