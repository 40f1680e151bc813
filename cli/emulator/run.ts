import { once, setMaxListeners } from 'node:events';
import { AzureRedisError } from 'ioredis-azure';
import { AzureRedisEmulator, type AzureRedisEmulatorOptions, EntraEmulator } from 'ioredis-azure/emulator';
import { CommandFailure, UsageError } from '../exit-code.js';
import { Output } from '../output.js';
import { type Activity, printActivity, watch } from './activity.js';
import { CONTROL_SOCKET, ENTRY_FILE } from './control-protocol.js';
import { ControlServer } from './control-server.js';
import { printDescription } from './description.js';
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

/** The ports of the services in Azure. */
const PORTS = { managed: 10_000, cache: 6380 } as const;

const SHORTEST_LIFETIME = 1_000;

/** How often the command looks whether its parent still runs, in ms: the system does not report its end. */
const PARENT_INTERVAL = 500;

/** What ends with the emulator, the newest first. */
type Closers = (() => Promise<void>)[];

/** Runs an emulator until the process receives a signal to end, even while it starts. */
export async function runEmulator(flags: EmulatorFlags): Promise<void> {
  checkFlags(flags);
  const signal = signalOf(flags);
  const closers: Closers = [];
  try {
    await start(flags, signal, closers);
    if (!signal.aborted) await once(signal, 'abort');
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    for (const close of closers) await close();
  }
}

/** Aborts when the command is to end: Ctrl+C, SIGTERM, a closed terminal, or the end of the process that started it. */
function signalOf({ background = false }: EmulatorFlags): AbortSignal {
  const ending = new AbortController();
  // Each server listens to it.
  setMaxListeners(0, ending.signal);
  const { ppid: parent } = process;
  const end = (): void => {
    clearInterval(timer);
    ending.abort();
  };
  const timer = setInterval(() => {
    if (!background && process.ppid !== parent) end();
  }, PARENT_INTERVAL).unref();
  // A second Ctrl+C ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  process.on('SIGHUP', () => {
    if (!background) end();
  });
  return ending.signal;
}

async function start(flags: EmulatorFlags, signal: AbortSignal, closers: Closers): Promise<void> {
  const { bind, hostname, tokenLifetime, redisVersion } = flags;
  const environmentFile = await environmentFileOf(flags.env);
  const redisServer = redisVersion === undefined ? undefined : await findRedisServer(redisVersion, signal);
  signal.throwIfAborted();
  const folder = await Folder.create(environmentFile);
  closers.unshift(() => folder.remove());
  // The emulators create their files there: its guard removes them if this process is killed.
  process.env['TMPDIR'] = folder.path;
  const listen = { ...(bind !== undefined && { bind }), ...(hostname !== undefined && { hostname }) };
  const { entraPort: port, metadataPort } = flags;
  const entra = await listening(EntraEmulator.start({ ...listen, port, metadataPort, tokenLifetime }));
  closers.unshift(() => entra.stop());
  signal.throwIfAborted();
  const options = { ...listen, ...cacheOptions(flags, redisServer), entra, signal };
  const azure = await listening(AzureRedisEmulator.start(options));
  closers.unshift(() => azure.stop());
  signal.throwIfAborted();
  closers.unshift(await present(flags, { entra, azure, folder, environmentFile }));
  if (bind !== undefined && !/^(127\.|::1$|localhost$)/.test(bind)) {
    process.stderr.write(
      `ioredis-azure: --bind ${bind} lets whoever reaches this machine get tokens of these identities, and use the cache.\n`,
    );
  }
}

/** The system may refuse a port that is a valid one. */
async function listening<Emulator>(starting: Promise<Emulator>): Promise<Emulator> {
  try {
    return await starting;
  } catch (error) {
    const reason =
      error instanceof AzureRedisError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (!(error instanceof AzureRedisError) || (reason?.code !== 'EADDRINUSE' && reason?.code !== 'EACCES'))
      throw error;
    const hint = 'Choose another one with --port, --entra-port or --metadata-port, or 0 for a free port.';
    throw new CommandFailure(error.message, hint, { code: error.code, cause: error });
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
