import { Queue, QueueEvents, Worker, type ConnectionOptions } from 'bullmq';
import { Cluster } from 'ioredis';
import { repeat } from './counting.js';

const host = process.env['REDIS_HOST'] ?? 'localhost';
const port = Number(process.env['REDIS_PORT'] ?? 6379);

/** As BullMQ documents it: a Cluster, and a prefix that keeps the keys of a queue in one slot. */
function options(): { connection: ConnectionOptions; prefix: string } {
  const cluster = new Cluster([{ host, port }], { redisOptions: { maxRetriesPerRequest: null } });
  return { connection: cluster, prefix: '{bull}' };
}

let done = 0;
const queue = new Queue('jobs', options());
// From the first event on: one that comes before BullMQ's first XREAD would never be seen.
const events = new QueueEvents('jobs', { ...options(), lastEventId: '0-0' });
const worker = new Worker('jobs', () => Promise.resolve((done += 1)), options());

void Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()])
  .then(() => repeat(async () => (await queue.add('job', {})).waitUntilFinished(events)))
  .then(async (added) => {
    await Promise.all([worker.close(), events.close(), queue.close()]);
    console.log(JSON.stringify({ bullmq: [added, done] }));
    process.exit();
  });
