import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { next, times, until } from '../support/waiting.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('many clients of one identity', () => {
  const cache = Cache.forEach({ tokenLifetime: 8_000 });

  for (const variant of VARIANTS) {
    it(`share each token, and spread their logins over time: ${variant.name}`, async () => {
      const options = await cache.configure({ expirationRefreshRatio: 0.9 });
      const clients = Array.from({ length: 50 }, () =>
        cache.client(variant, { ...options, protocol: variant.protocol }),
      );
      await Promise.all(clients.map((client) => client.ping()));
      expect(cache.azure.statistics.tokenRequests).to.have.length(1);
      const before = options.authenticator.expiresOn.getTime();
      await Promise.all([
        times(50, options.authenticator, 'reauthenticated'),
        options.authenticator.refresh(),
      ]);
      expect(cache.azure.statistics.tokenRequests).to.have.length(2);

      const at = cache.azure.statistics.logins.slice(50).map((login) => login.at.getTime());
      expect(Math.max(...at), 'well before the old token ends').to.be.below(before - 300);
      expect(Math.max(...at) - Math.min(...at)).to.be.above(50);
      expect(cache.azure.statistics.evictions).to.deep.equal([]);
    });
  }

  it('leave nothing behind when ten thousand of them end', async () => {
    const options = await cache.configure();
    const references: WeakRef<object>[] = [];
    async function makeAndEnd(count: number, waitFor: 'ready' | 'connecting'): Promise<void> {
      const [variant] = VARIANTS;
      const clients = Array.from({ length: count }, () => new variant.Redis(options));
      if (waitFor === 'ready') await Promise.all(clients.map((client) => client.ping()));
      await Promise.all(
        clients.map(async (client) => {
          references.push(new WeakRef(client));
          const ended = next(client, 'end');
          client.disconnect();
          await ended;
        }),
      );
    }
    for (let batch = 0; batch < 10; batch += 1) {
      await makeAndEnd(50, 'ready');
      await makeAndEnd(950, 'connecting');
    }
    expect(references).to.have.length(10_000);
    expect(options.authenticator.connections).to.deep.equal([]);
    await until(() => {
      collectGarbage();
      return references.every((reference) => reference.deref() === undefined);
    });
  });

  it('leave no timer behind: no token is requested until there is a client again', async () => {
    const options = await cache.configure();
    const [variant] = VARIANTS;
    const client = await cache.connect(variant, options);
    const ended = next(client, 'end');
    client.disconnect();
    await ended;
    const other = await cache.configure();
    await cache.connect(variant, other);
    // The other one's token has been refreshed twice, in which time the first one's would have been.
    await times(2, other.authenticator, 'tokenRefreshed');
    expect(cache.azure.statistics.tokenRequests).to.have.length(4);
    const again = await cache.connect(variant, options);
    expect(await again.ping()).to.equal('PONG');
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
