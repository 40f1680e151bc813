/**
 * The library as the code blocks import it when they are run: whatever host of Azure they name is the emulator, and
 * whatever identity they name is one of its own.
 */
import * as library from '../../../lib/index.js';
import type { AzureRedisEmulator } from '../../../emulator/index.js';

export * from '../../../lib/index.js';

let emulator: AzureRedisEmulator | undefined;
const authenticators = new Set<library.Authenticator>();

/** From now on this stands for Azure. */
export function use(azure: AzureRedisEmulator): void {
  emulator = azure;
}

/** The authenticators that were created since the last call. */
export function takeAuthenticators(): library.Authenticator[] {
  const taken = [...authenticators];
  authenticators.clear();
  return taken;
}

export async function configureForAzure(
  options: library.ConfigureForAzureOptions,
): Promise<library.ConfiguredRedisOptions> {
  const configured = await library.configureForAzure(onEmulator(options));
  authenticators.add(configured.authenticator);
  return configured;
}

/** `Multiplexer.connect()` likewise. */
export const Multiplexer = {
  connect: ({
    cluster,
    maintenanceEvents,
    ...options
  }: library.MultiplexerOptions): Promise<library.Multiplexer> => {
    if (cluster) throw new Error('The emulator that the documents are run against is not a cluster.');
    return library.Multiplexer.connect({
      ...onEmulator(options),
      ...(maintenanceEvents !== undefined && { maintenanceEvents }),
    });
  },
};

function onEmulator(options: library.ConfigureForAzureOptions): library.ConfigureForAzureOptions {
  if (!emulator || !options.host.endsWith('.azure.net')) return options;
  const { credential: given, managedIdentity, servicePrincipal, accessKey, authenticator, ...rest } = options;
  const { host, port, tls, credential } = emulator.options;
  const endpoint = { ...rest, host, port, tls };
  if (authenticator) return { ...endpoint, authenticator };
  if (accessKey !== undefined) return { ...endpoint, accessKey: emulator.accessKey };
  if (managedIdentity !== undefined || servicePrincipal !== undefined) return { ...endpoint, credential };
  return { ...endpoint, credential: given ?? credential };
}
