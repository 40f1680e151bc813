import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, QueueEvents, type QueueOptions } from 'bullmq';
import { Completions } from './completions.js';
import type { Connection } from './connection.js';
import { Ledger, type Deviations } from './ledger.js';
import { Producer } from './producer.js';
import { KINDS, type Kind, type Task } from './tasks.js';
import { startWorker } from './worker.js';

const CONCURRENCY = 8;
const UPDATE_EVERY = 250;
/** How long jobs may take to complete once no more are added. The longest delay is 3 s. */
const DRAIN_TIMEOUT = 30_000;

/** The keys of a BullMQ queue must share a slot of a cluster: braces ensure it, and have no effect elsewhere. */
const PREFIX = '{bullmq-sample}';

/** The jobs of one kind so far. */
export interface Progress {
  readonly kind: Kind;
  readonly added: number;
  readonly attempts: number;
  readonly completed: number;
}

export interface Result extends Deviations {
  /** Jobs that failed in their last attempt. */
  readonly failed: number;
  /** The messages of errors of queue, worker and events. */
  readonly errors: readonly string[];
}

/** Adds and runs jobs until `stop` is aborted and all of them are complete. */
export async function run(
  { connection, client }: Connection,
  stop: AbortSignal,
  update: (progress: readonly Progress[]) => void,
): Promise<Result> {
  // A queue of its own: several of these samples may use one cache.
  const name = `sample-${Date.now()}`;
  const options: QueueOptions = { connection, prefix: PREFIX };
  const ledger = new Ledger(client, `${PREFIX}:${name}:ledger`);
  const errors: string[] = [];
  const noteError = (error: Error): void => {
    errors.push(error.message);
  };

  const events = new QueueEvents(name, options).on('error', noteError);
  const completions = new Completions(events);
  // Before there are jobs, so that no completion is missed.
  await events.waitUntilReady();
  const queue = new Queue<Task>(name, options).on('error', noteError);
  const worker = startWorker(name, ledger, { ...options, concurrency: CONCURRENCY }).on('error', noteError);
  const producer = new Producer(queue);

  // How many jobs a scheduler adds is known only by their completion.
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

  try {
    const producing = producer.run(stop);
    while (!stop.aborted) {
      updateProgress();
      await sleep(UPDATE_EVERY, undefined, { signal: stop }).catch(() => undefined);
    }
    await producing;

    const deadline = Date.now() + DRAIN_TIMEOUT;
    while (!(await isDrained(queue, producer, completions)) && Date.now() < deadline) {
      updateProgress();
      await sleep(UPDATE_EVERY);
    }
    updateProgress();
    const { missing, repeated } = await ledger.compare(added());
    return { missing, repeated: repeated + completions.repeated, failed: completions.failed, errors };
  } finally {
    // The worker completes the jobs that it is running.
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
