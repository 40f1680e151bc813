import { Remote } from '../remote.js';
import { atMost, quantity, ratio } from '../result.js';
import type { Row } from '../row.js';
import { StaticCache } from '../static-cache.js';
import { median, ratiosOf } from '../statistics.js';
import type { CreationOutcome } from '../workers/creation.js';

/** Each takes a few milliseconds. */
const ROUNDS_FACTOR = 5;

/** The functions are compiled by then. */
const WARM_UP = 10;

export const creation: Row = {
  name: 'creation',
  title: 'Time to create a client, with 20,000 modules loaded',
  method:
    'A hundred clients of ioredis 6 are created one after the other and connect over plain TCP. "new Redis()" is the CPU time of the ' +
    'constructor, which starts to connect; "until ready" that until the server has answered the login.',
  async run({ rounds, modules }, progress) {
    const cache = await StaticCache.start();
    const [plain, managed] = await Promise.all([
      Remote.start('workers/creation.ts'),
      Remote.start('workers/creation.ts'),
    ]);
    try {
      progress(`${modules.toLocaleString('en-US')} modules are loaded`);
      for (const [worker, isManaged] of [
        [plain, false],
        [managed, true],
      ] as const) {
        await worker.call('configure', { cache: cache.address, isManaged, modules });
      }
      const floor: CreationOutcome[] = [];
      const ours: CreationOutcome[] = [];
      progress('clients are created');
      for (let round = -WARM_UP; round < rounds * ROUNDS_FACTOR; round += 1) {
        const measured = [
          await plain.call<CreationOutcome>('measure'),
          await managed.call<CreationOutcome>('measure'),
        ] as const;
        if (round < 0) continue;
        floor.push(measured[0]);
        ours.push(measured[1]);
      }
      const created = floor.map((outcome) => outcome.created);
      const ready = floor.map((outcome) => outcome.ready);
      return {
        results: [
          quantity('new Redis()', 'ioredis', median(created) * 1_000, 'µs'),
          ratio(
            'new Redis()',
            'ioredis-azure',
            ratiosOf(
              ours.map((outcome) => outcome.created),
              created,
            ),
            atMost(1.15),
          ),
          quantity('until ready', 'ioredis', median(ready) * 1_000, 'µs'),
          ratio(
            'until ready',
            'ioredis-azure',
            ratiosOf(
              ours.map((outcome) => outcome.ready),
              ready,
            ),
            atMost(1.2),
          ),
        ],
      };
    } finally {
      await plain.stop();
      await managed.stop();
      await cache.stop();
    }
  },
};
