import { Remote } from '../remote.js';
import { atMost, quantity, ratio, type Result } from '../result.js';
import type { Row, Scale } from '../row.js';
import { StaticCache } from '../static-cache.js';
import { summaryOf } from '../statistics.js';

/** Clients that are opened first, so that what is needed once is not counted. */
const WARM_UP = 100;

/** Fewer clients than this do not stand out from what else changes in a heap. */
const FEWEST = 100;

const ROUNDS = 5;

export const memory: Row = {
  name: 'memory',
  title: 'Memory',
  method:
    'The heap in use after garbage collection, of clients of ioredis 6 that are connected over plain TCP and idle, in a process ' +
    'of their own for each round. A managed client is compared with one that logs in with an access key. For clients ' +
    'that come and go, the heap after all of them have ended is compared with that before.',
  async run(scale, progress) {
    const cache = await StaticCache.start();
    try {
      const results: Result[] = [];
      for (const number of scale.clients.filter((each) => each >= FEWEST)) {
        progress(`${number.toLocaleString('en-US')} clients`);
        results.push(await compare(cache, number));
      }
      progress(`${scale.churn.toLocaleString('en-US')} clients that come and go`);
      results.push(await churn(cache, scale));
      return { results };
    } finally {
      await cache.stop();
    }
  },
};

async function compare(cache: StaticCache, number: number): Promise<Result> {
  const differences: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const plain = await heapOf(cache, number, false);
    const managed = await heapOf(cache, number, true);
    differences.push((managed - plain) / number);
  }
  const of = `${number.toLocaleString('en-US')} clients`;
  return quantity(
    'for each managed client, over a plain one',
    of,
    summaryOf(differences),
    'bytes',
    atMost(1_536, ' bytes'),
  );
}

/** The bytes that this many clients take. */
async function heapOf(cache: StaticCache, number: number, isManaged: boolean): Promise<number> {
  return inWorker(cache, isManaged, async (worker) => {
    await worker.call('open', { count: WARM_UP });
    const before = await worker.call<number>('heap');
    await worker.call('open', { count: number });
    return (await worker.call<number>('heap')) - before;
  });
}

async function churn(cache: StaticCache, { churn: number }: Scale): Promise<Result> {
  const growth = await inWorker(cache, true, async (worker) => {
    await worker.call('churn', { count: number / 4 });
    const before = await worker.call<number>('heap');
    await worker.call('churn', { count: number });
    return (await worker.call<number>('heap')) / before;
  });
  const of = `${number.toLocaleString('en-US')} clients made and ended`;
  return ratio('heap after, over before', of, summaryOf([growth]), atMost(1.05));
}

async function inWorker<Value>(
  cache: StaticCache,
  isManaged: boolean,
  measure: (worker: Remote) => Promise<Value>,
): Promise<Value> {
  const worker = await Remote.start('workers/clients.ts', ['--expose-gc']);
  try {
    await worker.call('configure', { cache: cache.address, isManaged });
    return await measure(worker);
  } finally {
    await worker.call('close');
    await worker.stop();
  }
}
