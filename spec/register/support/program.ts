import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAMS = join(ROOT, 'spec/register/programs');

export type Environment = Readonly<Record<string, string | undefined>>;

/** The options of Node.js that load `ioredis-azure/register`. */
export const REGISTER = ['--import', 'ioredis-azure/register'];

/** The forms of a program. `bundle` and `bundle-cjs` hold everything, minified, and run where no package is to be found. */
export type Form = 'esm' | 'cjs' | 'ts' | 'bundle' | 'bundle-cjs';

/** A program that runs with `ioredis-azure/register`, of which it knows nothing. */
export class Program {
  readonly #child: ChildProcess;
  readonly #changed = new EventEmitter();
  readonly #exited: Promise<unknown>;
  stdout = '';
  stderr = '';

  /** Runs Node.js with these arguments in this folder. */
  constructor(args: readonly string[], environment: Environment, cwd: string, node = process.execPath) {
    const { PATH, HOME } = process.env;
    this.#child = spawn(node, args, {
      cwd,
      env: { PATH, HOME, ...environment },
      stdio: 'pipe',
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        this[name] += chunk;
        this.#changed.emit('change');
      });
    }
    this.#exited = once(this.#child, 'close').then(() => this.#changed.emit('change'));
  }

  /** Starts a program of `spec/register/programs`, in one of its forms, or `args` of Node.js. */
  static async start(
    program: string | readonly string[],
    environment: Environment,
    { form = 'esm', register = REGISTER }: { form?: Form; register?: readonly string[] } = {},
  ): Promise<Program> {
    if (typeof program !== 'string') return new Program([...register, ...program], environment, ROOT);
    if (form === 'ts') {
      const file = join(PROGRAMS, `${program}.ts`);
      return new Program(['--import', 'tsx', ...register, file], environment, ROOT);
    }
    const file = await built(program, form);
    const [cwd, options] = form.startsWith('bundle') ? [join(file, '..'), IN_ANY_FOLDER] : [ROOT, register];
    return new Program([...options, file], environment, cwd);
  }

  /** Waits until it has printed what matches; fails when it ends without. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match) return match[1] ?? match[0];
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the program has ended:\n${this.stdout}\n${this.stderr}`);
      }
      await once(this.#changed, 'change');
    }
  }

  /** Types a line into it. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Asks it to end, and reads the JSON that it prints last. */
  async result<Result>(): Promise<Result> {
    this.#child.kill('SIGTERM');
    return JSON.parse(await this.output()) as Result;
  }

  /** What it printed last, once it has ended by itself. */
  async output(): Promise<string> {
    await this.#exited;
    if (this.#child.exitCode !== 0) throw new Error(`the program failed:\n${this.stdout}\n${this.stderr}`);
    return this.stdout.trim().split('\n').at(-1) ?? '';
  }

  /** Ends it at once, for a spec that has failed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

/** Where `ioredis-azure/register` is, for a program in another folder. */
const IN_ANY_FOLDER = ['--import', join(ROOT, 'dist/register/index.cjs')];

/** An ES module of esbuild has no `require()`, which the CommonJS packages in it call. */
const REQUIRE =
  "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const folders = { inside: folder(join(ROOT, 'build')), outside: folder(tmpdir()) };

async function folder(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, 'register-'));
}

/** Removes what was built. */
export async function removeBuilt(): Promise<void> {
  for (const path of Object.values(folders)) await rm(await path, { recursive: true, force: true });
}

async function built(program: string, form: Exclude<Form, 'ts'>): Promise<string> {
  const isBundle = form.startsWith('bundle');
  const format = form.endsWith('cjs') ? 'cjs' : 'esm';
  const directory = await (isBundle ? folders.outside : folders.inside);
  const file = join(directory, `${program}-${form}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [
    join(PROGRAMS, `${program}.ts`),
    '--bundle',
    '--platform=node',
    '--log-level=error',
    `--format=${format}`,
    `--outfile=${file}`,
    ...(isBundle ? ['--minify', ...(format === 'esm' ? [REQUIRE] : [])] : ['--packages=external']),
  ]);
  return file;
}
