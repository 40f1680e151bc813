import { expect } from 'chai';
import { Cache } from '../../support/cache.js';
import { Network } from '../../support/network.js';
import { optionsFor } from '../../support/token-options.js';
import { until } from '../../support/waiting.js';
import { CachedApplication, counting } from '../support/cached-application.js';
import { tagResponse } from '../../../samples/output-cache/cache/tags.js';

describe('samples/output-cache: a cache that is down', () => {
  const cache = Cache.forEach();
  let network: Network;
  let application: CachedApplication;
  let outages: number;
  let recoveries: number;

  beforeEach(async () => {
    network = await Network.to(cache.azure.port);
    outages = 0;
    recoveries = 0;
  });

  afterEach(async () => {
    await application.stop();
    await network.close();
  });

  async function start(): Promise<void> {
    const connection = { ...optionsFor(cache.azure, {}), port: network.port, commandTimeout: 1_000 };
    const count = counting();
    application = await CachedApplication.start(
      { ...connection, retryStrategy: () => 50 },
      (request, response) => {
        tagResponse(response, 'page');
        void count(request, response);
      },
      {
        probeInterval: 50,
        unavailable: () => (outages += 1),
        available: () => (recoveries += 1),
      },
    );
  }

  for (const [what, begin] of Object.entries({
    'refuses connections': () => {
      network.goDown();
    },
    'does not answer': () => {
      network.goSilent();
    },
  })) {
    it(`breaks nothing when it ${what}, and is used again afterwards`, async () => {
      await start();
      await application.get('/');
      begin();
      const first = await application.get('/');
      expect(first).to.include({ status: 200, body: 'call 2' });
      expect(outages).to.equal(1);
      // From here on no request waits for the cache.
      const computed = await application.get('/');
      expect(computed).to.include({ body: 'call 3', cacheStatus: 'fwd=bypass; detail=unavailable' });

      network.restore();
      await until(() => recoveries === 1);
      expect(await application.get('/')).to.include({ body: 'call 1', cacheStatus: 'hit' });
    });
  }

  it('is told of the evictions that it missed before it is used again', async () => {
    await start();
    await application.get('/');
    network.goDown();
    expect(await application.cache.evict('page')).to.equal(false);
    network.restore();
    await until(() => recoveries === 1);
    expect(await application.get('/')).to.include({ body: 'call 2', cacheStatus: 'fwd=miss' });
  });

  it('may be down from the beginning', async () => {
    network.goDown();
    await start();
    expect(outages).to.equal(1);
    expect(await application.get('/')).to.include({ body: 'call 1' });
    network.restore();
    await until(() => recoveries === 1);
    await application.get('/');
    expect(await application.get('/')).to.include({ body: 'call 2', cacheStatus: 'hit' });
  });
});
