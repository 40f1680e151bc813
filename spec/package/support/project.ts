import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folderOf, type NODES, type ProjectName } from './projects.js';

const run = promisify(execFile);

type Environment = Readonly<Record<string, string>>;

/** An application that `install.ts` has made. */
export class Project {
  readonly folder: string;

  constructor(name: ProjectName) {
    this.folder = folderOf(name);
  }

  /** The program of another version of Node.js, in the project `newest`. */
  nodeOf(major: (typeof NODES)[number]): string {
    return join(this.folder, 'node_modules', `node-${major}`, 'bin', 'node');
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
}

/** The options of Node.js that make `require()` refuse ES modules, as it does before 20.19. */
export const NO_REQUIRE_ESM = '--no-experimental-require-module';
