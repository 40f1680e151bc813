import type { AccessToken } from '@azure/core-auth';
import type { TokenFailure } from '../../../lib/identities/identity-errors.js';
import { AnsweringProcess } from './answering-process.js';
import type { IdentityDescription } from './identity-options.js';

/** What an identity answered in its process. */
export type Answer = { readonly token: AccessToken } | { readonly error: ShownError };

/** All that an error shows, as text, and what it means. */
export interface ShownError {
  readonly description: TokenFailure;
  /** As `console.error` shows it. */
  readonly text: string;
}

/** An identity, and the environment in which it works. */
export interface IdentityCase {
  readonly identity: IdentityDescription;
  readonly environment: Readonly<Record<string, string>>;
}

/** An identity in a process of its own, which is asked for tokens. */
export class IdentityProcess {
  readonly #process: AnsweringProcess<'token', Answer>;

  constructor({ identity, environment }: IdentityCase) {
    this.#process = new AnsweringProcess(
      new URL('./identity-child.ts', import.meta.url),
      identity,
      environment,
    );
  }

  async token(): Promise<AccessToken> {
    const answer = await this.#process.ask('token');
    if ('error' in answer) throw new Error(answer.error.text);
    return answer.token;
  }

  /** The error that it rejects with. */
  async error(): Promise<ShownError> {
    const answer = await this.#process.ask('token');
    if ('token' in answer) throw new Error('expected an error');
    return answer.error;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
