/** Copies each sample to a folder of its own, and installs what its package.json says, with the packed package. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COPIES, copyOf, SAMPLES } from './copies.js';

/** npm is busy with one processor, and waits for the registry. */
const INSTALLATIONS_AT_ONCE = 2;

const run = promisify(execFile);
const root = new URL('../../..', import.meta.url);

await rm(COPIES, { recursive: true, force: true });
await mkdir(COPIES);
// It has been built before.
const packed = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', COPIES], {
  cwd: root,
});
const tarball = join(COPIES, packed.stdout.trim());

const waiting = [...SAMPLES];
await Promise.all(Array.from({ length: INSTALLATIONS_AT_ONCE }, installNext));

async function installNext(): Promise<void> {
  for (let sample = waiting.shift(); sample !== undefined; sample = waiting.shift()) {
    const folder = copyOf(sample);
    const isSource = (path: string): boolean => !path.includes('node_modules');
    await cp(new URL(`samples/${sample}`, root), folder, { recursive: true, filter: isSource });
    const manifest = join(folder, 'package.json');
    const text = await readFile(manifest, 'utf8');
    await writeFile(manifest, text.replace(/("ioredis-azure": ")[^"]+/, `$1file:${tarball}`));
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'], {
      cwd: folder,
    });
  }
}
