import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A sample that runs, and what it prints. */
export class SampleProcess {
  readonly #child: ChildProcess;
  readonly #events = new EventEmitter();
  readonly #exited: Promise<number | null>;
  #output = '';
  #hasExited = false;

  /**
   * @param environment Variables in addition to those of this process.
   * @param terminal Whether it runs on a terminal of its own, on which `type()` types.
   * @param folder Where it runs. Default: this repository.
   */
  constructor(
    path: string,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
    { terminal = false, folder = ROOT }: { readonly terminal?: boolean; readonly folder?: string } = {},
  ) {
    const command = [process.execPath, '--import', 'tsx', path, ...args];
    const [program = '', ...rest] = terminal ? onTerminal(command) : command;
    this.#child = spawn(program, rest, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: [terminal ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#output += chunk;
        this.#events.emit('change');
      });
    }
    this.#exited = once(this.#child, 'close').then(() => {
      this.#hasExited = true;
      this.#events.emit('change');
      return this.#child.exitCode;
    });
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.#output;
  }

  /**
   * Waits until it has printed what matches the pattern, so many times; fails when it ends without.
   *
   * @returns the pattern's group in the last of them, or the whole match if there is no group.
   */
  async printed(pattern: RegExp, times = 1): Promise<string> {
    const all = new RegExp(pattern, `${pattern.flags.replace('g', '')}g`);
    for (;;) {
      const match = [...this.#output.matchAll(all)][times - 1];
      if (match) return match[1] ?? match[0];
      if (this.#hasExited) {
        throw new Error(`the sample has ended and did not print ${pattern.source}:\n${this.#output}`);
      }
      await once(this.#events, 'change');
    }
  }

  /** The exit code once the sample has ended by itself; `null` if a signal ended it. */
  exitCode(): Promise<number | null> {
    return this.#exited;
  }

  /** Types on its terminal. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Asks the sample to end (SIGTERM) and waits for that. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    await this.#exited;
  }
}

/**
 * The command that runs a command on a terminal of its own (util-linux). The shell in between replaces itself: dash would
 * receive Ctrl+C as well, and exit with 130 whatever the program's own exit code is.
 */
function onTerminal(command: readonly string[]): string[] {
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return ['script', '--quiet', '--return', '--flush', '--command', `exec ${quoted.join(' ')}`, '/dev/null'];
}
