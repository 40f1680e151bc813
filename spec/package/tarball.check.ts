import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { pack, ROOT, type Tarball } from './support/pack.js';

const run = promisify(execFile);

/** In bytes. */
const LARGEST = 300_000;

/** The packages of an application that has this one and ioredis. Most come with `@azure/identity`. */
const MOST_PACKAGES = 53;

describe('the tarball that npm publishes', () => {
  let folder: string;
  let tarball: Tarball;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-tarball-'));
    tarball = await pack(folder);
  });
  after(() => rm(folder, { recursive: true }));

  it('is smaller than 300 KB', () => {
    expect(tarball.size).to.be.below(LARGEST);
  });

  it('is the same, byte for byte, when another checkout is built and packed', async () => {
    const checkout = join(folder, 'checkout');
    await mkdir(checkout);
    // What git knows or would add: neither what was built before nor what is installed.
    const script =
      'git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null | tar -c -T - | tar -x -C "$0"';
    await run('sh', ['-c', script, checkout], { cwd: ROOT });
    await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
    await run('npm', ['run', 'build'], { cwd: checkout });
    expect((await pack(folder, checkout)).hash).to.equal(tarball.hash);
  });

  it(`is installed with at most ${MOST_PACKAGES - 1} other packages`, async () => {
    const project = join(folder, 'project');
    await mkdir(project);
    await writeFile(join(project, 'package.json'), '{"private":true}');
    const args = ['install', '--package-lock-only', '--prefer-offline', '--no-audit', '--no-fund'];
    await run('npm', [...args, tarball.path, 'ioredis'], { cwd: project });
    const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, unknown>;
    };
    // The first one is the project itself.
    expect(Object.keys(packages).length - 1).to.be.at.most(MOST_PACKAGES);
  });
});
