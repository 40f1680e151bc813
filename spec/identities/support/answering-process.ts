import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/**
 * A program in a process of its own that answers each question with one message, with the environment given and
 * nothing else: some identity libraries read the environment once, and keep what they found while the process runs.
 */
export class AnsweringProcess<Question extends string, Answer> {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  /** @param given What the program reads with `settings()`. */
  constructor(script: URL, given: object, environment: Readonly<Record<string, string>>) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = fork(script, [JSON.stringify(given)], {
      execArgv: ['--import', 'tsx'],
      // All logs are on, so that a spec can search them for secrets.
      env: { PATH, HOME, AZURE_LOG_LEVEL: 'verbose', DEBUG: 'ioredis-azure:*', ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk));
    }
  }

  /** Everything that the process wrote. */
  get output(): string {
    return this.#output;
  }

  async ask(question: Question): Promise<Answer> {
    const answered = new Promise<Answer>((resolve) => {
      // Sent by answerQuestions, in this form.
      this.#child.once('message', (answer) => {
        resolve(answer as Answer);
      });
    });
    this.#child.send(question);
    const ended = this.#exited.then(() => {
      throw new Error(`the process has ended: ${this.#output}`);
    });
    return Promise.race([answered, ended]);
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }
}

/** The other end: what the process was started with. */
export function settings(): unknown {
  return JSON.parse(process.argv[2] ?? '');
}

/** The other end: answers the questions that are asked of this process. */
export function answerQuestions(answer: (question: string) => Promise<unknown>): void {
  process.on('message', (question) => {
    void answer(String(question)).then((answered) => process.send?.(answered));
  });
}
