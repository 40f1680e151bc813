import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A sample that runs, and what it prints. */
export class SampleProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #output = '';

  constructor(path: string, ...args: string[]) {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    this.#child = spawn(process.execPath, ['--import', 'tsx', path, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk));
    }
    this.#exited = once(this.#child, 'close').then(() => this.#child.exitCode);
  }

  get output(): string {
    return this.#output;
  }

  /** What the sample prints where the pattern's group is; fails when it ends without. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const [, group] = pattern.exec(this.#output) ?? [];
      if (group !== undefined) return group;
      const { stdout } = this.#child;
      if (!stdout || this.#child.exitCode !== null) throw new Error(`the sample has ended:\n${this.#output}`);
      await Promise.race([once(stdout, 'data'), this.#exited]);
    }
  }

  /** The exit code, once the sample has ended by itself. */
  exitCode(): Promise<number | null> {
    return this.#exited;
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await this.#exited;
  }
}
