import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, QueueEvents, type QueueOptions } from 'bullmq';
import { Completions } from './completions.js';
import type { Connection } from './connection.js';
import { Ledger, type Deviations } from './ledger.js';
import { Producer } from './producer.js';
import { KINDS, type Kind, type Task } from './tasks.js';
import { startWorker } from './worker.js';

const CONCURRENCY = 8;
const UPDATE_INTERVAL = 250;
/** How long the last jobs may take to complete. The longest delay is 3 s. */
const DRAIN_TIMEOUT = 30_000;

/** The braces place all keys of a queue in one slot of a cluster. They have no effect elsewhere. */
const PREFIX = '{bullmq-sample}';

/** The counts of one kind of job. */
export interface Progress {
  readonly kind: Kind;
  readonly added: number;
  readonly attempts: number;
  readonly completed: number;
}

export interface Result extends Deviations {
  /** Jobs whose last attempt failed. */
  readonly failed: number;
  /** The error messages of queue, worker and events. */
  readonly errors: readonly string[];
}

/** Adds and runs jobs until `stop` aborts and all jobs are complete. */
export async function run(
  { connection, client }: Connection,
  stop: AbortSignal,
  update: (progress: readonly Progress[]) => void,
): Promise<Result> {
  // Several instances of this sample may share a cache.
  const name = `sample-${Date.now()}`;
  const options: QueueOptions = { connection, prefix: PREFIX };
  const ledger = new Ledger(client, `${PREFIX}:${name}:ledger`);
  const errors: string[] = [];
  const noteError = (error: Error): void => {
    errors.push(error.message);
  };

  const events = new QueueEvents(name, options).on('error', noteError);
  const completions = new Completions(events);
  // Before the first job, so that no completion is missed.
  await events.waitUntilReady();
  const queue = new Queue<Task>(name, options).on('error', noteError);
  const worker = startWorker(name, ledger, { ...options, concurrency: CONCURRENCY }).on('error', noteError);
  const producer = new Producer(queue);

  // BullMQ does not report the jobs that a scheduler adds, only their completion.
  const added = (): Map<Kind, number> => new Map(producer.added).set('repeated', completions.of('repeated'));
  const updateProgress = (): void => {
    const jobs = added();
    update(
      KINDS.map((kind) => ({
        kind,
        added: jobs.get(kind) ?? 0,
        attempts: ledger.attempts(kind),
        completed: completions.of(kind),
      })),
    );
  };

  const timer = setInterval(updateProgress, UPDATE_INTERVAL);
  try {
    await producer.run(stop);
    const deadline = Date.now() + DRAIN_TIMEOUT;
    while (!(await isDrained(queue, producer, completions)) && Date.now() < deadline)
      await sleep(UPDATE_INTERVAL);
    updateProgress();
    const { missing, repeated } = await ledger.compare(added());
    return { missing, repeated: repeated + completions.repeated, failed: completions.failed, errors };
  } finally {
    clearInterval(timer);
    // Waits for the running jobs.
    await worker.close();
    await events.close();
    await queue.obliterate({ force: true });
    await queue.close();
    await ledger.delete();
  }
}

async function isDrained(queue: Queue<Task>, producer: Producer, completions: Completions): Promise<boolean> {
  const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed');
  if (wait + active + delayed > 0) return false;
  return KINDS.every((kind) => completions.of(kind) >= (producer.added.get(kind) ?? 0));
}
