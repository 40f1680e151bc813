/** Background jobs with BullMQ: immediate, delayed and retried ones, and a scheduler, each counted exactly. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobsOptions, Queue, type QueueOptions, Worker } from 'bullmq';
import { Multiplexer } from 'ioredis-azure';
import { JobCounts, KINDS, type Kind } from './job-counts.js';
import { start } from './start.js';

const JOB_OPTIONS: Readonly<Record<Exclude<Kind, 'repeated'>, JobsOptions>> = {
  immediate: {},
  delayed: { delay: 1_000 },
  retried: { attempts: 3, backoff: { type: 'exponential', delay: 200 } },
};
const DRAIN_TIMEOUT = 15_000;

await start({}, async ({ options, flags, stopping }) => {
  // BullMQ requires that commands wait for a connection without a limit, so that workers survive outages.
  await using multiplexer = await Multiplexer.connect({ ...options, maxRetriesPerRequest: null });
  multiplexer.authenticator.on('reauthenticated', ({ endpoint }) => {
    console.log(`${endpoint} re-authenticated`);
  });

  // The braces place all keys of a queue in one slot of a cluster. Workers duplicate the client, a cluster, too.
  const queueOptions: QueueOptions = {
    connection: multiplexer.interactive,
    prefix: `{${flags.prefix}bullmq}`,
  };
  const name = `jobs-${Date.now()}`;
  const counts = new JobCounts();
  const errors: string[] = [];
  const note = (error: Error): void => {
    errors.push(error.message);
  };
  const queue = new Queue(name, queueOptions).on('error', note);
  const worker = new Worker(
    name,
    (job) => {
      counts.attempted(job);
      if (job.name === 'retried' && job.attemptsMade === 0)
        throw new Error('The first attempt fails on purpose.');
      counts.completed(job);
      return Promise.resolve();
    },
    // A job whose worker lost its connection as it finished is run again after this time; by default after 30 s.
    { ...queueOptions, concurrency: 8, lockDuration: 5_000, stalledInterval: 2_000, maxStalledCount: 10 },
  ).on('error', note);

  const stopped = stopping.aborted ? Promise.resolve() : once(stopping, 'abort');
  const adding = addJobs(queue, counts, stopping).catch(note);
  await Promise.race([adding, stopped]);
  // The jobs that have been added are completed, unless there is no connection.
  const drained = adding.then(() => drain(queue)).catch(() => false);
  const isDrained = await Promise.race([drained, sleep(DRAIN_TIMEOUT, false, { ref: false })]);
  await worker.close(!isDrained);
  if (isDrained) await queue.obliterate({ force: true });
  await queue.close();

  console.table(Object.fromEntries(KINDS.map((kind) => [kind, counts.of(kind)])));
  const { lost, twice } = counts.deviations();
  // What is left in the queue is run by the next worker.
  console.log(`${isDrained ? 'Lost' : 'Left'} ${lost}, run twice ${twice}, errors ${errors.length}`);
  for (const error of new Set(errors)) console.log(error);
  if (isDrained && lost > 0) process.exitCode = 1;
});

async function addJobs(queue: Queue, counts: JobCounts, stopping: AbortSignal): Promise<void> {
  await queue.upsertJobScheduler('repeated', { every: 500 }, { name: 'repeated' });
  for (let number = 1; !stopping.aborted; number += 1) {
    for (const kind of ['immediate', 'delayed', 'retried'] as const) {
      // With an id of its own, a job that is sent again after a lost connection is not added twice.
      const jobId = `${kind}-${number}`;
      // One that fails may have been added all the same: it counts if it is run.
      const job = await queue.add(kind, {}, { ...JOB_OPTIONS[kind], jobId }).catch(() => undefined);
      if (job) counts.added(kind, jobId);
    }
    await sleep(50, undefined, { signal: stopping }).catch(() => undefined);
  }
  await queue.removeJobScheduler('repeated');
}

async function drain(queue: Queue): Promise<true> {
  for (;;) {
    const { wait = 0, active = 0, delayed = 0 } = await queue.getJobCounts('wait', 'active', 'delayed');
    if (wait + active + delayed === 0) return true;
    await sleep(100);
  }
}
