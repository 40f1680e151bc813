import type { QueueEvents } from 'bullmq';
import { KINDS, type Kind } from './tasks.js';

/** The completions and failures that the events of a queue report. */
export class Completions {
  readonly #completed = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
  readonly #jobs = new Set<string>();
  #repeated = 0;
  #failed = 0;

  constructor(events: QueueEvents) {
    events.on('completed', ({ jobId }) => {
      if (this.#jobs.has(jobId)) this.#repeated += 1;
      this.#jobs.add(jobId);
      const kind = kindOf(jobId);
      this.#completed.set(kind, this.of(kind) + 1);
    });
    events.on('failed', () => {
      this.#failed += 1;
    });
  }

  of(kind: Kind): number {
    return this.#completed.get(kind) ?? 0;
  }

  /** Jobs whose completion was reported more than once. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Jobs that failed in their last attempt. */
  get failed(): number {
    return this.#failed;
  }
}

/** The ids of a scheduler's jobs are chosen by BullMQ. */
function kindOf(jobId: string): Kind {
  return KINDS.find((kind) => jobId.startsWith(`${kind}-`)) ?? 'repeated';
}
