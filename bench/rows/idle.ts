import { Remote } from '../remote.js';
import { atMost, quantity } from '../result.js';
import type { Row } from '../row.js';
import { StaticCache } from '../static-cache.js';
import { summaryOf } from '../statistics.js';

/** In ms. Shorter than by default, so that an observation holds several of them. */
const HEARTBEAT_INTERVAL = 5_000;

/** In ms. */
const OBSERVATION = 10_000;

const OBSERVATIONS = 5;

export const idle: Row = {
  name: 'idle',
  title: 'Many idle clients: heartbeats',
  method:
    `Clients of ioredis 6 over plain TCP, whose application does nothing. The managed ones send PING every ${HEARTBEAT_INTERVAL / 1_000} s, ` +
    `each at a time of its own; by default the interval is a minute. The longest delay of the event loop in ${OBSERVATION / 1_000} s, from ` +
    'which that of as many clients of plain ioredis in the same round is subtracted.',
  async run({ clients }, progress) {
    const number = Math.max(...clients);
    const cache = await StaticCache.start();
    const plain = await open(cache, number, false, progress);
    const managed = await open(cache, number, true, progress);
    try {
      const delays: number[] = [];
      for (let round = 0; round < OBSERVATIONS; round += 1) {
        progress(`observation ${round + 1} of ${OBSERVATIONS}`);
        const [ofPlain, ofManaged] = await Promise.all(
          [plain, managed].map((worker) => worker.call<number>('idle', { duration: OBSERVATION })),
        );
        delays.push((ofManaged ?? NaN) - (ofPlain ?? NaN));
      }
      const of = `${number.toLocaleString('en-US')} clients`;
      const summary = summaryOf(delays);
      return {
        results: [
          quantity('longest event-loop delay over plain ioredis', of, summary, 'ms', atMost(10, ' ms')),
        ],
      };
    } finally {
      for (const worker of [plain, managed]) {
        await worker.call('close');
        await worker.stop();
      }
      await cache.stop();
    }
  },
};

async function open(
  cache: StaticCache,
  number: number,
  isManaged: boolean,
  progress: (text: string) => void,
): Promise<Remote> {
  progress(`${number.toLocaleString('en-US')} clients ${isManaged ? '' : 'of plain ioredis '}connect`);
  const worker = await Remote.start('workers/clients.ts');
  await worker.call('configure', {
    cache: cache.address,
    isManaged,
    heartbeatInterval: HEARTBEAT_INTERVAL,
  });
  await worker.call('open', { count: number });
  return worker;
}
