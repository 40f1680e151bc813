import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../fixtures', import.meta.url));

type Environment = Readonly<Record<string, string>>;

/** The packed tarball, packed once for all checks. */
let tarball: Promise<string> | undefined;

async function pack(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-tarball-'));
  process.once('exit', () => void rm(folder, { recursive: true, force: true }));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const packed = join(folder, filename);
  // npm takes a file of the same name from its cache: the name says what it holds.
  const hash = createHash('sha256')
    .update(await readFile(packed))
    .digest('hex')
    .slice(0, 12);
  const unique = join(folder, `ioredis-azure-${hash}.tgz`);
  await cp(packed, unique);
  return unique;
}

/** An application in a folder of its own, outside this repository, that depends on the packed tarball. */
export class Project {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies the fixtures and installs the dependencies, given as in package.json, beside those that a fixture names. */
  static async create(
    fixtures: readonly string[],
    dependencies: Readonly<Record<string, string>>,
    install: readonly string[] = [
      'npm',
      'install',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
  ): Promise<Project> {
    tarball ??= pack();
    const folder = await mkdtemp(join(tmpdir(), 'ioredis-azure-project-'));
    for (const fixture of fixtures) await cp(join(FIXTURES, fixture), folder, { recursive: true });
    const project = new Project(folder);
    const manifest = await project.#manifest();
    manifest['dependencies'] = {
      'ioredis-azure': `file:${await tarball}`,
      ...(manifest['dependencies'] as object | undefined),
      ...dependencies,
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
    const [command = '', ...args] = install;
    await project.run(command, args);
    return project;
  }

  async #manifest(): Promise<Record<string, unknown>> {
    try {
      return JSON.parse(await readFile(join(this.folder, 'package.json'), 'utf8')) as Record<string, unknown>;
    } catch {
      return { private: true };
    }
  }

  /** What a command prints. When it fails, the error shows it. */
  async run(command: string, args: readonly string[], environment: Environment = {}): Promise<string> {
    try {
      // The variables of npm and mocha are not those of an application.
      const { PATH, HOME, REDIS_SERVER, TMPDIR } = process.env;
      const { stdout } = await run(command, args, {
        cwd: this.folder,
        env: {
          PATH,
          HOME,
          CI: 'true',
          NO_COLOR: '1',
          ...(REDIS_SERVER !== undefined && { REDIS_SERVER }),
          ...(TMPDIR !== undefined && { TMPDIR }),
          ...environment,
        },
        maxBuffer: 16 * 1024 * 1024,
        timeout: 280_000,
      });
      return stdout;
    } catch (error) {
      const {
        stdout = '',
        stderr = '',
        code,
      } = error as { stdout?: string; stderr?: string; code?: unknown };
      // Without a cause, which would be shown as well and says the same.
      throw new Error(`${command} ${args.join(' ')} failed (${String(code)}):\n${stdout}\n${stderr}`);
    }
  }

  /** Runs a script with this Node.js, or with another. */
  node(args: readonly string[], environment?: Environment, node = process.execPath): Promise<string> {
    return this.run(node, args, environment);
  }

  /** A program that one of the dependencies brings. */
  bin(name: string, args: readonly string[], environment?: Environment): Promise<string> {
    return this.run(join(this.folder, 'node_modules', '.bin', name), args, environment);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The options of Node.js that make `require()` refuse ES modules, as it does before 20.19. */
export const NO_REQUIRE_ESM = '--no-experimental-require-module';
