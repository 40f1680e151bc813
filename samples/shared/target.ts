import { readFile } from 'node:fs/promises';
import type { ConfigureForAzureOptions } from 'ioredis-azure';
import { AzureRedisEmulator, type AzureRedisEmulatorOptions } from 'ioredis-azure/emulator';
import { parseInteger, UsageError } from './command-line.js';

/** The flags that choose the cache. */
export const TARGET_FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  ca: { type: 'string' },
} as const;

/** The part of a usage line that describes `TARGET_FLAGS`. */
export const TARGET_USAGE = '[--host HOST [--port N] [--ca FILE]]';

/** The values of `TARGET_FLAGS`. */
export interface TargetFlags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  /** A file with the certificate authority of a private endpoint. */
  readonly ca?: string | undefined;
}

/** The cache that a sample uses. */
export interface Target extends AsyncDisposable {
  /** For `configureForAzure()` or `Multiplexer.connect()`. */
  readonly options: ConfigureForAzureOptions;
  /** For people, such as `the emulator, whose tokens live for 5 s`. */
  readonly description: string;
  /** The emulator, unless `--host` was given. */
  readonly emulator?: AzureRedisEmulator;
}

const TOKEN_LIFETIME = 5_000;

/**
 * The cache of `--host`, with `DefaultAzureCredential`; otherwise an emulator, which ends with the target.
 *
 * @param emulatorOptions Of the emulator, such as its nodes.
 * @throws UsageError if the flags contradict each other.
 */
export async function openTarget(
  { host, port, ca }: TargetFlags,
  emulatorOptions: AzureRedisEmulatorOptions = {},
): Promise<Target> {
  if (host === undefined) {
    if (port !== undefined) throw new UsageError('--port needs --host.');
    if (ca !== undefined) throw new UsageError('--ca needs --host.');
    return startEmulator(emulatorOptions);
  }
  return {
    options: {
      host,
      ...(port !== undefined && { port: parseInteger('--port', port, 1, 65_535) }),
      ...(ca !== undefined && { tls: { ca: await readAuthority(ca) } }),
    },
    description: `${host}, with DefaultAzureCredential`,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function startEmulator(options: AzureRedisEmulatorOptions): Promise<Target> {
  const emulator = await AzureRedisEmulator.start({ tokenLifetime: TOKEN_LIFETIME, ...options });
  return {
    // Refreshed at half of so short a life, so that a computer that is busy for a second has time enough.
    options: { ...emulator.options, expirationRefreshRatio: 0.5 },
    description: `the emulator, whose tokens live for ${TOKEN_LIFETIME / 1_000} s`,
    emulator,
    [Symbol.asyncDispose]: () => emulator.stop(),
  };
}

async function readAuthority(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--ca: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
