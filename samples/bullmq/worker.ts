import { Worker, type Job, type RepeatOptions, type WorkerOptions } from 'bullmq';
import type { Ledger } from './ledger.js';
import type { Task } from './tasks.js';

/** Runs jobs. The first attempt of a `retried` one fails. */
export function startWorker(queue: string, ledger: Ledger, options: WorkerOptions): Worker<Task> {
  return new Worker<Task>(
    queue,
    async (job) => {
      const attempt = job.attemptsMade + 1;
      await ledger.record(job.data.kind, numberOf(job), attempt);
      if (job.data.kind === 'retried' && attempt === 1)
        throw new Error('The first attempt fails on purpose.');
    },
    options,
  );
}

/** The number of a job: its own, or how many its scheduler has created. */
function numberOf({ data, opts }: Job<Task>): number {
  // BullMQ's types do not show the options that a scheduler gives its jobs.
  const { repeat } = opts as { readonly repeat?: RepeatOptions };
  const number = data.number ?? repeat?.count;
  if (number === undefined) throw new Error('The job has no number.');
  return number;
}
