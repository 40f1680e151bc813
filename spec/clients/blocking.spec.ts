import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';

describe('a blocking command whose connection is replaced', () => {
  const cache = Cache.forAll();

  for (const variant of VARIANTS) {
    describe(variant.name, () => {
      const commands: Record<string, (client: Redis) => Promise<unknown>> = {
        BLPOP: (client) => client.blpop('nothing', 1.5),
        BRPOP: (client) => client.brpop('nothing', '1.5'),
        BLMOVE: (client) => client.blmove('nothing', 'other', 'LEFT', 'LEFT', 1.5),
        BRPOPLPUSH: (client) => client.brpoplpush('nothing', 'other', 1.5),
        BLMPOP: (client) => client.blmpop(1.5, 1, 'nothing', 'LEFT'),
        BZPOPMIN: (client) => client.bzpopmin('nothing', 1.5),
        BZPOPMAX: (client) => client.bzpopmax('nothing', 1.5),
        BZMPOP: (client) => client.bzmpop(1.5, 1, 'nothing', 'MIN'),
        XREAD: (client) => client.xread('COUNT', 1, 'BLOCK', 1_500, 'STREAMS', 'block', '0-0'),
      };

      // With the whole timeout each time, none of them would ever return.
      it('returns when its own timeout has passed, although it is sent again several times', async () => {
        const options = await cache.configure({ keyPrefix: 'prefix:', retryStrategy: () => 0 });
        const start = performance.now();
        const state = { isDone: false };
        const replies = Promise.all(
          Object.values(commands).map(async (send) => send(await cache.connect(variant, options))),
        );
        void replies.finally(() => (state.isDone = true)).catch(() => undefined);
        while (!state.isDone) {
          await sleep(300);
          cache.azure.dropConnections();
        }
        for (const reply of await replies) expect(reply).to.equal(null);
        expect(performance.now() - start).to.be.at.least(1_400);
      });
    });
  }
});
