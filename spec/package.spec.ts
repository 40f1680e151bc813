import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { VERSION } from '../lib/version.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;

describe('the packed package, in an empty folder', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-package-'));
    const { stdout } = await run(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
      {
        cwd: ROOT,
      },
    );
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    packed = files.map(({ path }) => path);
    for (const version of ['5', '6']) await install(version, filename);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  let packed: string[];

  /** Unpacks it beside an ioredis of this version, and beside its dependencies. */
  async function install(version: string, tarball: string): Promise<void> {
    const modules = join(folder, version, 'node_modules');
    const target = join(modules, 'ioredis-azure');
    await mkdir(target, { recursive: true });
    await run('tar', ['-xzf', join(folder, tarball), '-C', target, '--strip-components=1']);
    const installed: Record<string, string> = { ioredis: version === '5' ? 'ioredis5' : 'ioredis' };
    const names = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
      'bullmq',
      '@types/node',
    ];
    for (const name of names) {
      const link = join(modules, name);
      await mkdir(join(link, '..'), { recursive: true });
      await symlink(join(ROOT, 'node_modules', installed[name] ?? name), link);
    }
  }

  async function file(version: string, name: string, text: string): Promise<string> {
    const path = join(folder, version, name);
    await writeFile(path, text);
    return path;
  }

  it('contains the built code, documents and licence, and nothing else', () => {
    const others = packed.filter((path) => !/^dist\/|^docs\/[\w-]+\.md$/.test(path));
    expect(others).to.have.members([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'UPGRADING.md',
      'package.json',
    ]);
    expect(packed).to.include.members([
      'docs/how-it-works.md',
      ...['index', 'doctor', 'emulator'].flatMap((entry) =>
        ['cjs', 'd.cts'].map((extension) => `dist/${entry}.${extension}`),
      ),
      'dist/cli.js',
      'dist/THIRD-PARTY-LICENSES.txt',
    ]);
  });

  it('reports its version to the server', () => {
    expect(VERSION).to.equal(manifest.version);
  });

  for (const version of ['5', '6']) {
    describe(`with ioredis ${version}`, () => {
      it('loads no identity library before it is needed, and patches nothing', async () => {
        const script = await file(
          version,
          'importing.cjs',
          `const { Redis } = require('ioredis');
           const methods = Reflect.ownKeys(Redis.prototype).filter((name) => 'value' in Object.getOwnPropertyDescriptor(Redis.prototype, name));
           const before = methods.map((name) => Redis.prototype[name]);
           require('ioredis-azure');
           const same = methods.every((name, index) => Redis.prototype[name] === before[index]);
           const loaded = Object.keys(require.cache).filter((path) => /@azure|msal|jose|selfsigned/.test(path));
           console.log(loaded.length, same);`,
        );
        expect((await run(process.execPath, [script])).stdout).to.equal('0 true\n');
      });

      it('is typed: strict TypeScript accepts its result as ioredis options', async () => {
        const script = await file(
          version,
          'application.mts',
          `import { Cluster, Redis, type RedisOptions } from 'ioredis';
           import { Queue } from 'bullmq';
           import {
             AzureRedisError, configureClusterForAzure, configureForAzure, type ConfiguredRedisOptions,
           } from 'ioredis-azure';
           import { AzureRedisEmulator } from 'ioredis-azure/emulator';

           export async function main(): Promise<void> {
             await using azure = await AzureRedisEmulator.start({ tokenLifetime: 5_000 });
             const options: ConfiguredRedisOptions = await configureForAzure({ ...azure.options, db: 1 });
             const redis: Redis = new Redis(options);
             const other = new Redis({ ...options, lazyConnect: true });
             const shared: RedisOptions = { maxRetriesPerRequest: null };
             await configureForAzure({ ...shared, ...azure.options });
             const cluster = new Cluster([{ host: 'x', port: 1 }], { redisOptions: options });
             const another = new Cluster(
               ...(await configureClusterForAzure({ ...azure.options, cluster: { scaleReads: 'slave' } })),
             );
             const jobs = new Queue('jobs', { connection: another });
             const queue = new Queue('jobs', { connection: options });
             options.authenticator.on('tokenRefreshed', ({ expiresOn }) => expiresOn.toISOString());
             options.authenticator.attach(redis);
             // @ts-expect-error An option of ioredis has its type.
             await configureForAzure({ ...azure.options, db: 'one' });
             const error: AzureRedisError | undefined = undefined;
             console.log(redis, other, cluster, another, queue, jobs, error);
           }`,
        );
        await file(version, 'package.json', '{ "type": "commonjs" }');
        const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
        const options = [
          '--strict',
          '--noEmit',
          '--skipLibCheck',
          '--target',
          'es2022',
          '--module',
          'nodenext',
        ];
        const lib = ['--lib', 'es2023,esnext.disposable', '--types', 'node', '--ignoreConfig'];
        const commonjs = await file(
          version,
          'application.cts',
          `import { configureForAzure } from 'ioredis-azure';\nexport const options = configureForAzure({ host: 'x' });`,
        );
        const { stdout } = await run(process.execPath, [tsc, ...options, ...lib, script, commonjs], {
          cwd: join(folder, version),
        }).catch((error: unknown) => error as { stdout: string });
        expect(stdout).to.equal('');
      });
    });
  }
});
