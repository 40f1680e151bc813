import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A packed package. */
export interface Tarball {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  readonly hash: string;
  readonly files: readonly string[];
}

/** Packs the built package into this folder. The file's name says what it holds: npm takes one of the same name from its cache. */
export async function pack(folder: string, source = ROOT): Promise<Tarball> {
  const { stdout } = await run(
    'npm',
    ['pack', source, '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: folder },
  );
  const [{ filename, size, files }] = JSON.parse(stdout) as [
    { filename: string; size: number; files: { path: string }[] },
  ];
  const packed = join(folder, filename);
  const hash = createHash('sha256')
    .update(await readFile(packed))
    .digest('hex');
  const path = join(folder, `ioredis-azure-${hash.slice(0, 12)}.tgz`);
  await rename(packed, path);
  return { path, size, hash, files: files.map((file) => file.path) };
}
