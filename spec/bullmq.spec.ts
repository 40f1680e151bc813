import { Queue, QueueEvents, Worker, type ConnectionOptions } from 'bullmq';
import { expect } from 'chai';
import type { ConfiguredRedisOptions } from '../lib/index.js';
import { itWithEach } from './support/cache.js';
import { VARIANTS } from './support/ioredis-versions.js';
import { expiries, until } from './support/waiting.js';

describe('BullMQ with the configured options as its connection', () => {
  const caches = { tokenLifetime: 4_000 };

  itWithEach(
    VARIANTS.slice(0, 2),
    'runs each job exactly once across token expiries',
    caches,
    async ({ protocol }, cache) => {
      const options = { ...(await cache.configure()), protocol };
      const connection = asConnection(options);
      const errors: unknown[] = [];
      const done = new Map<unknown, number>();
      const queue = new Queue('jobs', { connection });
      // From the first event on: one that comes before BullMQ's first XREAD would never be seen.
      const events = new QueueEvents('jobs', { connection, lastEventId: '0-0' });
      const worker = new Worker<{ number: number }>(
        'jobs',
        ({ data }) => {
          done.set(data.number, (done.get(data.number) ?? 0) + 1);
          return Promise.resolve(data.number);
        },
        { connection, concurrency: 4 },
      );
      queue.on('error', (error) => errors.push(error));
      events.on('error', (error) => errors.push(error));
      worker.on('error', (error) => errors.push(error));
      await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);

      const { authenticator } = options;
      const state = { isOver: false };
      const over = expiries(3, authenticator).then(() => (state.isOver = true));
      let number = 0;
      while (!state.isOver) {
        number += 1;
        const job = await queue.add('job', { number });
        // Told by the worker through the events of the queue.
        expect(await job.waitUntilFinished(events)).to.equal(number);
      }
      await Promise.all([over, worker.close(), events.close(), queue.close()]);

      expect(errors).to.deep.equal([]);
      expect(done.size).to.equal(number).and.to.be.above(50);
      expect([...done.values()].every((count) => count === 1)).to.equal(true);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
      expect(cache.azure.statistics.refusals).to.deep.equal([]);
      await until(() => authenticator.connections.length === 0);
    },
  );

  itWithEach(
    [VARIANTS[0]],
    'keeps an idle worker logged in while its blocking command waits',
    caches,
    async (_, cache) => {
      // Whether it blocks is known once its AUTH has had no answer for half of what is left of its token.
      const credential = cache.azure.credential({ tokenLifetime: 6_000 });
      const options = await cache.configure({ credential, expirationRefreshRatio: 0.1 });
      const worker = new Worker('jobs', () => Promise.resolve(), {
        connection: asConnection(options),
        drainDelay: 30,
      });
      await worker.waitUntilReady();
      await expiries(2, options.authenticator);
      await worker.close();
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    },
  );
});

/** With exactOptionalPropertyTypes, BullMQ's types take no ioredis options at all: theirs leave out the `undefined`. */
function asConnection(options: ConfiguredRedisOptions): ConnectionOptions {
  return options as ConnectionOptions;
}
