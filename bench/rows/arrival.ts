import { Cache } from '../cache.js';
import { Remote } from '../remote.js';
import { atMost, quantity } from '../result.js';
import type { Row } from '../row.js';
import { summaryOf } from '../statistics.js';
import type { ArrivalTimes } from '../workers/arrival.js';

const COUNT = 100;

/** A timer of Node.js counts whole milliseconds, and the event loop may be busy. */
const MOST = 3;

export const arrival: Row = {
  name: 'arrival',
  title: "From a token's arrival to the reply to its AUTH",
  method:
    `One client over TLS through the emulator, ${COUNT} tokens, with the random delay set to 0. The round trip is that of an AUTH ` +
    'that the application sends right after, with the same token.',
  async run(_scale, progress) {
    const cache = await Cache.start({});
    const worker = await Remote.start('workers/arrival.ts');
    try {
      progress(`${COUNT} tokens`);
      const times = await worker.call<ArrivalTimes[]>('measure', { cache: cache.address, count: COUNT });
      const of = 'ioredis-azure';
      const roundTrips = summaryOf(times.map(({ roundTrip }) => roundTrip));
      const excess = summaryOf(times.map(({ total, roundTrip }) => total - roundTrip));
      return {
        results: [
          quantity('one round trip', of, roundTrips, 'ms'),
          quantity('more than one round trip', of, excess, 'ms', atMost(MOST, ' ms')),
        ],
      };
    } finally {
      await worker.stop();
      await cache.stop();
    }
  },
};
