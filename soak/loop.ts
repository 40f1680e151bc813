import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a task until it is paused. */
export class Loop {
  readonly #turn: () => Promise<void>;
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(turn: () => Promise<void>) {
    this.#turn = turn;
  }

  start(): void {
    this.#isRunning = true;
    this.#run = this.#repeat();
  }

  /** Pauses after the current turn. */
  async pause(): Promise<void> {
    this.#isRunning = false;
    await this.#run;
  }

  async #repeat(): Promise<void> {
    while (this.#isRunning) await this.#turn();
  }
}

/** Whether a condition becomes true within this time, in ms. */
export async function becomes(isSo: () => boolean, within: number): Promise<boolean> {
  const end = performance.now() + within;
  while (!isSo()) {
    if (performance.now() > end) return false;
    await sleep(5);
  }
  return true;
}
