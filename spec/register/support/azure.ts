import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import {
  AzureRedisEmulator,
  EntraEmulator,
  type AzureRedisEmulatorOptions,
} from '../../../emulator/index.js';
import type { Environment } from './program.js';

/** An Azure Redis, its Entra, and the environment of a program that has a managed identity there. */
export interface Azure {
  readonly cache: AzureRedisEmulator;
  readonly entra: EntraEmulator;
  /** The identity of the program. */
  readonly objectId: string;
  readonly environment: Environment;
  stop(): Promise<void>;
}

export async function startAzure(
  tokenLifetime: number,
  options: AzureRedisEmulatorOptions = {},
): Promise<Azure> {
  const entra = await EntraEmulator.start({ tokenLifetime });
  const cache = await AzureRedisEmulator.start({ entra, ...options });
  const { objectId } = entra.addManagedIdentity('systemAssigned');
  await cache.assignRole(objectId, 'Data Owner');
  const folder = await mkdtemp(join(tmpdir(), 'register-ca-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, cache.ca);
  return {
    cache,
    entra,
    objectId,
    environment: {
      ...entra.appServiceEnvironment,
      NODE_EXTRA_CA_CERTS: caFile,
      IOREDIS_AZURE_HOSTS: cache.host,
      REDIS_HOST: cache.host,
      REDIS_PORT: String(cache.port),
    },
    async stop() {
      await cache.stop();
      await entra.stop();
      await rm(folder, { recursive: true });
    },
  };
}
