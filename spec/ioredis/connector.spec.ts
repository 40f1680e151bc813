import { once } from 'node:events';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS, type Variant } from '../support/ioredis-versions.js';

describe('a client that is ended right after its creation', () => {
  const cache = Cache.forAll();
  let options: ConfiguredRedisOptions;

  before(async () => {
    options = await cache.configure();
  });

  function create(variant: Variant, enableReadyCheck: boolean): Redis {
    const { protocol } = variant;
    // The client must not end only because it gives up waiting for the socket to close.
    return cache.client(variant, { ...options, protocol, enableReadyCheck, disconnectTimeout: 60_000 });
  }

  async function endsAndRejects(client: Redis): Promise<void> {
    if (client.status !== 'end') await once(client, 'end');
    const error: unknown = await client.get('key').catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'Connection is closed.');
  }

  for (const variant of VARIANTS) {
    for (const enableReadyCheck of [true, false]) {
      it(`ends: ${variant.name}, enableReadyCheck: ${enableReadyCheck}`, async function () {
        this.timeout(5_000);
        for (const microtasks of [0, 1, 2, 5, 20, 100]) {
          const client = create(variant, enableReadyCheck);
          for (let turn = 0; turn < microtasks; turn += 1) await Promise.resolve();
          client.disconnect();
          await endsAndRejects(client);
        }
      });
    }

    it(`ends as Bull closes a queue, by quit() and then disconnect(): ${variant.name}`, async function () {
      this.timeout(5_000);
      const client = create(variant, false);
      await Promise.resolve();
      const quit = client.quit().catch((error: unknown) => error);
      client.disconnect();
      await quit;
      await endsAndRejects(client);
    });
  }
});
