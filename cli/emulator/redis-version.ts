import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { AzureRedisError } from 'ioredis-azure';

/** The names of redis-server, and of versions installed beside each other: redis-server-7.2. */
const PROGRAM_NAME = /^redis-server([-_.]?\d.*)?$/;

interface RedisServerProgram {
  readonly path: string;
  readonly version: string;
}

/**
 * The path of a redis-server of a version: `REDIS_SERVER`, otherwise the first on the `PATH`.
 *
 * @param wanted The first parts of the version are enough: 7, 7.2 or 7.2.4.
 * @throws AzureRedisError `MISSING_DEPENDENCY`, with the versions that were found.
 */
export async function findRedisServer(wanted: string, signal: AbortSignal): Promise<string> {
  const found: RedisServerProgram[] = [];
  for (const path of await candidates()) {
    const version = await versionOf(path, signal);
    if (version !== undefined) found.push({ path, version });
  }
  const match = found.find(({ version }) => version === wanted || version.startsWith(`${wanted}.`));
  if (match) return match.path;
  const list = found.map(({ path, version }) => `${version} (${path})`).join(', ');
  throw new AzureRedisError(
    'MISSING_DEPENDENCY',
    `No redis-server of version ${wanted} was found; found: ${list || 'none'}.`,
    'Install it on the PATH, or set REDIS_SERVER to its path.',
  );
}

async function candidates(): Promise<string[]> {
  const { REDIS_SERVER: given, PATH: path = '' } = process.env;
  const folders = path.split(delimiter).filter(Boolean);
  const programs = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names.filter((name) => PROGRAM_NAME.test(name)).map((name) => join(folder, name));
    }),
  );
  return [...(given ? [given] : []), ...new Set(programs.flat())];
}

async function versionOf(program: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { signal });
    return /\bv=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    // It is not a program, or does not run on this machine.
    return undefined;
  }
}
