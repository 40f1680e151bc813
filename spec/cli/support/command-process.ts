import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command as it is published. */
export const MAIN = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

/** What a command has printed, and its exit code. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command `ioredis-azure` as it is published, in a process of its own. */
export class CommandProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...environment },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#closed = once(this.#child, 'close');
  }

  /** Runs a command to its end. */
  static run(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<CommandResult> {
    return new CommandProcess(args, environment).ended();
  }

  /** Resolves when the command has ended. */
  async ended(): Promise<CommandResult> {
    await this.#closed;
    return { code: this.#child.exitCode, stdout: this.#stdout, stderr: this.#stderr };
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#stdout;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** The part of the output that matches; rejects when the command ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.found((output) => pattern.exec(output));
  }

  /** What is found in the output, as soon as it is; rejects when the command ends without. */
  async found<Result>(find: (output: string) => Result | null): Promise<Result> {
    for (;;) {
      const { stdout, exitCode, signalCode } = this.#child;
      const result = find(this.#stdout);
      if (result !== null) return result;
      if (!stdout || exitCode !== null || signalCode !== null)
        throw new Error(`The command has ended:\n${this.#stdout}\n${this.#stderr}`);
      await Promise.race([once(stdout, 'data'), this.#closed]);
    }
  }
}
