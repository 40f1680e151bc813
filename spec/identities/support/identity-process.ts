import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { AccessToken } from '@azure/core-auth';
import type { IdentityErrorDescription } from '../../../lib/identities/identity-errors.js';
import type { IdentityCase } from './identity-cases.js';

/** What an identity answered in its process. */
export type Answer = { readonly token: AccessToken } | { readonly error: ShownError };

/** All that an error shows, as text, and what it means. */
export interface ShownError {
  readonly description: IdentityErrorDescription;
  /** As `console.error` shows it. */
  readonly text: string;
}

/**
 * An identity in a process of its own, with the environment in which it works and nothing else: some identity
 * libraries read the environment once, and keep what they found for as long as the process runs.
 */
export class IdentityProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  constructor({ identity, environment }: IdentityCase) {
    const { PATH = '', HOME = '' } = process.env;
    this.#child = fork(new URL('./identity-child.ts', import.meta.url), [JSON.stringify(identity)], {
      execArgv: ['--import', 'tsx'],
      // Logging is on, to show that no secret is in it.
      env: { PATH, HOME, AZURE_LOG_LEVEL: 'verbose', ...environment },
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

  /** Asks the identity for a token. */
  async ask(): Promise<Answer> {
    const answered = new Promise<Answer>((resolve) => {
      // Written by identity-child.ts, in this form.
      this.#child.once('message', (answer) => {
        resolve(answer as Answer);
      });
    });
    this.#child.send('getToken');
    const ended = this.#exited.then(() => {
      throw new Error(`the process has ended: ${this.#output}`);
    });
    return Promise.race([answered, ended]);
  }

  async token(): Promise<AccessToken> {
    const answer = await this.ask();
    if ('error' in answer) throw new Error(answer.error.text);
    return answer.token;
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }
}
