import { setTimeout as sleep } from 'node:timers/promises';

/** Numbers from 1, sent at a steady rate: messages, or items of a queue or a stream. */
export interface Load {
  /** The command, without the number, which is its last argument. */
  readonly command: readonly [string, ...string[]];
  readonly perSecond: number;
}

/** How often a part of the load is sent, in ms. */
const INTERVAL = 10;

/** Sends a load until it is stopped. */
export class LoadGenerator {
  readonly #load: Load;
  readonly #send: (...command: [string, ...string[]]) => Promise<unknown>;
  readonly #done: Promise<void>;
  #isRunning = true;
  #sent = 0;

  private constructor(load: Load, send: (...command: [string, ...string[]]) => Promise<unknown>) {
    this.#load = load;
    this.#send = send;
    this.#done = this.#run();
  }

  static start(load: Load, send: (...command: [string, ...string[]]) => Promise<unknown>): LoadGenerator {
    return new LoadGenerator(load, send);
  }

  /** Resolves with how many were sent, once all have been answered. */
  async stop(): Promise<number> {
    this.#isRunning = false;
    await this.#done;
    return this.#sent;
  }

  async #run(): Promise<void> {
    const { command, perSecond } = this.#load;
    const startedAt = performance.now();
    while (this.#isRunning) {
      const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
      // After a stall the rest follows little by little, not in one burst.
      const count = Math.min(due - this.#sent, Math.ceil((perSecond * INTERVAL * 2) / 1_000));
      const answers: Promise<unknown>[] = [];
      for (let index = 0; index < count; index += 1) {
        this.#sent += 1;
        answers.push(this.#send(...command, String(this.#sent)));
      }
      await Promise.all(answers);
      await sleep(INTERVAL);
    }
  }
}
