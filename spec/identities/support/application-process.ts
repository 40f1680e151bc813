import { AnsweringProcess } from './answering-process.js';
import type { ApplicationDescription, ApplicationReport } from './application.js';

export type ApplicationQuestion = 'prepare' | 'start' | 'finish';

/** Applications that share a process, and so its environment. */
export class ApplicationProcess {
  readonly #process: AnsweringProcess<ApplicationQuestion, ApplicationReport[]>;

  constructor(
    applications: readonly ApplicationDescription[],
    environment: Readonly<Record<string, string>>,
  ) {
    this.#process = new AnsweringProcess(
      new URL('./application-child.ts', import.meta.url),
      applications,
      environment,
    );
  }

  get output(): string {
    return this.#process.output;
  }

  /** Loads the identity libraries, by asking each identity for a token. */
  async prepare(): Promise<void> {
    await this.#process.ask('prepare');
  }

  /** Resolves once all have their first token. */
  async start(): Promise<void> {
    await this.#process.ask('start');
  }

  /** Ends all, and says what happened to each. */
  finish(): Promise<ApplicationReport[]> {
    return this.#process.ask('finish');
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
