import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { quantity, type Result } from '../result.js';
import type { Row } from '../row.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Installed {
  readonly packages: number;
  readonly megabytes: number;
}

export const installation: Row = {
  name: 'installation',
  title: 'What is installed',
  method:
    'The packages and bytes of node_modules after `npm install` in an empty folder, by npm and from its registry: this package, as ' +
    'packed, with ioredis; `@redis/entraid` with `redis`.',
  async run(_scale, progress) {
    const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-packed-'));
    try {
      const { stdout } = await run(
        'npm',
        ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder],
        {
          cwd: ROOT,
        },
      );
      progress('ioredis-azure and ioredis');
      const ours = await installed([join(folder, stdout.trim()), 'ioredis']);
      progress('@redis/entraid and redis');
      const other = await installed(['@redis/entraid', 'redis']);
      return {
        results: [
          ...resultsOf('ioredis-azure and ioredis', ours, other),
          ...resultsOf('@redis/entraid and redis', other),
        ],
      };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

function resultsOf(of: string, { packages, megabytes }: Installed, other?: Installed): Result[] {
  const fewer = (than: number): { text: string; isMet: (value: number) => boolean } => ({
    text: `< ${Math.round(than * 100) / 100}`,
    isMet: (value) => value < than,
  });
  return [
    quantity('packages', of, packages, 'packages', other && fewer(other.packages)),
    quantity('size', of, megabytes, 'MB', other && fewer(other.megabytes)),
  ];
}

async function installed(packages: readonly string[]): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-installed-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], {
      cwd: folder,
    });
    const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    const bytes = await sizeOf(join(folder, 'node_modules'));
    // The first entry is the folder itself.
    return { packages: Object.keys(lock.packages).length - 1, megabytes: bytes / 1e6 };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
