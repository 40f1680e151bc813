import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect } from 'chai';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';

const REAUTHENTICATION = 'tracing:ioredis-azure:reauthentication:start';

describe('quit()', () => {
  const cache = Cache.forEach({ tokenLifetime: 3_000 });
  let reauthentications = 0;
  const count = (): void => {
    reauthentications += 1;
  };

  beforeEach(() => {
    reauthentications = 0;
    subscribe(REAUTHENTICATION, count);
  });
  afterEach(() => {
    unsubscribe(REAUTHENTICATION, count);
  });

  for (const variant of VARIANTS) {
    it(`is answered when a new token arrives, and nothing is sent after it: ${variant.name}`, async () => {
      const options = await cache.configure({ heartbeatInterval: 50, expirationRefreshRatio: 0.9 });
      const client = await cache.connect(variant, options);
      // It holds QUIT up for longer than the re-authentications are spread over.
      const popped = client.blpop('no such list', 1);
      const quit = client.quit();
      await options.authenticator.refresh();
      expect(await Promise.all([popped, quit])).to.deep.equal([null, 'OK']);
      expect(reauthentications).to.equal(0);
      expect(String(await cache.azure.server.call('INFO', 'commandstats'))).to.not.match(/cmdstat_ping/);
    });
  }
});
