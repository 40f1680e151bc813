import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Kind, Task } from './tasks.js';

const SCHEDULER = 'repeated';
const REPEAT_EVERY = 500;
const INTERVAL = 50;
const LONGEST_DELAY = 3_000;
const RETRY = { attempts: 3, backoff: { type: 'exponential', delay: 200 } };

/** Adds jobs to a queue. */
export class Producer {
  readonly #queue: Queue<Task>;
  readonly #added = new Map<Kind, number>();

  constructor(queue: Queue<Task>) {
    this.#queue = queue;
  }

  /** How many jobs of each kind have been added, without those that the scheduler adds. */
  get added(): ReadonlyMap<Kind, number> {
    return this.#added;
  }

  /** Adds jobs until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    await this.#queue.upsertJobScheduler(
      SCHEDULER,
      { every: REPEAT_EVERY },
      { name: 'repeated', data: { kind: 'repeated' } },
    );
    while (!stop.aborted) {
      await this.#add('immediate');
      await this.#add('delayed', { delay: Math.ceil(Math.random() * LONGEST_DELAY) });
      await this.#add('retried', RETRY);
      await sleep(INTERVAL, undefined, { signal: stop }).catch(() => undefined);
    }
    await this.#queue.removeJobScheduler(SCHEDULER);
  }

  /** A job that was not added for certain is added again with the same id, which BullMQ ignores if it exists. */
  async #add(kind: Kind, options: Parameters<Queue['add']>[2] = {}): Promise<void> {
    const number = (this.#added.get(kind) ?? 0) + 1;
    const jobId = `${kind}-${number}`;
    try {
      await this.#queue.add(kind, { kind, number }, { ...options, jobId });
      this.#added.set(kind, number);
    } catch (error) {
      console.warn(`${jobId} not added: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
