import { AzureRedisEmulator, type AzureRedisEmulatorOptions, EntraEmulator } from 'ioredis-azure/emulator';
import { Output } from '../output.js';
import { UsageError } from '../usage-error.js';
import { type Activity, watch } from './activity.js';
import { CONTROL_SOCKET, ENTRY_FILE } from './control-protocol.js';
import { ControlServer } from './control-server.js';
import { printDescription } from './description.js';
import { untilEnd } from './ending.js';
import {
  certificateFiles,
  environmentFileOf,
  environmentOf,
  environmentText,
  writeEnvironment,
} from './environment.js';
import { Faults } from './faults.js';
import type { EmulatorFlags } from './flags.js';
import { ENVIRONMENT_COPY, Folder } from './folder.js';
import { addIdentities, type EmulatorIdentity } from './identities.js';
import { findRedisServer } from './redis-version.js';
import { printActivity } from './view.js';

/** The ports of the services in Azure. */
const PORTS = { cache: 6380, managed: 10_000 } as const;

const SHORTEST_LIFETIME = 1_000;

/** Runs an emulator until the process receives a signal to end. */
export async function runEmulator(flags: EmulatorFlags): Promise<void> {
  checkFlags(flags);
  const ended = untilEnd(flags);
  const environmentFile = await environmentFileOf(flags.env);
  const redisServer =
    flags.redisVersion === undefined ? undefined : await findRedisServer(flags.redisVersion);
  const folder = await Folder.create(environmentFile);
  const closers = [() => folder.remove()];
  try {
    // The emulators create their files there: its guard removes them if this process is killed.
    process.env['TMPDIR'] = folder.path;
    const { bind, hostname, tokenLifetime } = flags;
    const listen = { ...(bind && { bind }), ...(hostname && { hostname }) };
    const entra = await EntraEmulator.start({
      ...listen,
      port: flags.entraPort,
      metadataPort: flags.metadataPort,
      tokenLifetime,
    });
    closers.unshift(() => entra.stop());
    const azure = await AzureRedisEmulator.start({ ...listen, ...cacheOptions(flags, redisServer), entra });
    closers.unshift(() => azure.stop());
    closers.unshift(await present(flags, { entra, azure, folder, environmentFile }));
    await ended;
  } finally {
    for (const close of closers) await close();
  }
}

function checkFlags({ tokenLifetime, redisVersion, upstream, cluster }: EmulatorFlags): void {
  if (tokenLifetime < SHORTEST_LIFETIME) throw new UsageError('--token-lifetime must be at least 1s.');
  if (upstream && redisVersion !== undefined)
    throw new UsageError('--upstream conflicts with --redis-version.');
  if (upstream && cluster) throw new UsageError('--upstream conflicts with --cluster.');
}

function cacheOptions(
  { port, product, idleTimeout, cluster, upstream, upstreamPassword = '' }: EmulatorFlags,
  redisServer: string | undefined,
): AzureRedisEmulatorOptions {
  return {
    port: port ?? PORTS[product],
    product,
    ...(idleTimeout !== undefined && { idleTimeout }),
    ...(cluster && { cluster }),
    ...(upstream && { upstream: { ...upstream, password: upstreamPassword } }),
    ...(redisServer !== undefined && { redisServer }),
  };
}

interface Parts {
  readonly entra: EntraEmulator;
  readonly azure: AzureRedisEmulator;
  readonly folder: Folder;
  readonly environmentFile: string | undefined;
}

/** Prints how to use the emulator and what happens in it, and lets a second terminal control it. Returns the end of that. */
async function present(
  flags: EmulatorFlags,
  { entra, azure, folder, environmentFile }: Parts,
): Promise<() => Promise<void>> {
  const output = new Output(flags);
  const identities = await addIdentities(entra, azure, flags.role);
  const certificates = certificateFiles(azure, entra);
  const caFile = await folder.write('ca.pem', certificates.ca);
  const caBundle = await folder.write('ca-bundle.pem', certificates.bundle);
  const environment = environmentOf({
    ...{ azure, entra, identities, caFile, caBundle },
    identity: flags.envIdentity,
  });
  const text = environmentText(environment);
  const copy = await folder.write(ENVIRONMENT_COPY, text);
  if (environmentFile !== undefined) await writeEnvironment(environmentFile, text);

  const report = (activity: Activity): void => {
    printActivity(output, activity);
  };
  const faults = new Faults(azure, entra, {
    began: (fault, duration) => {
      report({ type: 'fault', at: new Date(), fault, duration });
    },
    ended: (fault) => {
      report({ type: 'recovery', at: new Date(), fault });
    },
  });
  const control = await ControlServer.listen(folder.file(CONTROL_SOCKET), faults);
  const entry = { name: flags.name ?? String(azure.port), pid: process.pid, port: azure.port };
  await folder.write(ENTRY_FILE, JSON.stringify(entry));
  watch(azure, entra, new Map([['default', 'access key'], ...identities.map(labelOf)]), report);
  printDescription(output, {
    ...entry,
    host: azure.host,
    product: flags.product,
    redisVersion: await redisVersionOf(azure),
    cluster: flags.cluster,
    role: flags.role,
    tokenLifetime: flags.tokenLifetime,
    accessKey: azure.accessKey,
    caFile,
    authorityHost: entra.authorityHost,
    tenantId: entra.tenantId,
    identities,
    environment,
    environmentFile: environmentFile ?? copy,
  });
  return () => control.close();
}

function labelOf({ objectId, label }: EmulatorIdentity): [string, string] {
  return [objectId, label];
}

async function redisVersionOf(azure: AzureRedisEmulator): Promise<string> {
  const info = String(await azure.server.call('INFO', 'server'));
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
}
