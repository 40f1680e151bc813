import { expect } from 'chai';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { happens, until } from '../support/waiting.js';
import { count, describeBehindNetwork } from './support/behind-network.js';

describeBehindNetwork('a connection that is open, but silent', 6_000, (cache, behind) => {
  afterEach(() => {
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });

  it('is replaced before its token expires when packets are lost', async () => {
    const options = await behind.configure({ disconnectTimeout: 200 });
    const clients = await behind.everyKind(options);
    const first = options.authenticator.expiresOn;
    behind.network.goSilent();
    await Promise.all(clients.map((client) => happens(client, 'close')));
    expect(new Date()).to.be.below(first);
    const waiting = count(clients);
    behind.network.restore();
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('is replaced before its token expires when it is half-open; pending commands are sent again', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const reasons: string[] = [];
    options.authenticator.on('recycled', ({ reason }) => reasons.push(reason));
    behind.network.loseServerSides();
    const waiting = count(clients);
    await until(() => reasons.length === clients.length);
    expect(new Set(reasons)).to.deep.equal(new Set(['blocked']));
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('is replaced soon after its token has expired when its transaction cannot end', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    await Promise.all(clients.map((client) => client.multi({ pipeline: false })));
    behind.network.loseServerSides();
    const outcomes = await Promise.allSettled(clients.map((client) => client.call('EXEC')));
    for (const outcome of outcomes)
      expect(outcome)
        .to.have.property('reason')
        .with.property('message')
        .that.matches(/EXEC without MULTI/);
    expect(await count(clients)).to.deep.equal([1, 1, 1]);
  });

  it('is replaced when its bytes are corrupted', async () => {
    const options = await behind.configure();
    const clients = await behind.everyKind(options);
    const closed = Promise.all(clients.map((client) => happens(client, 'close')));
    behind.network.corrupt();
    const waiting = count(clients);
    await closed;
    behind.network.restore();
    expect(await waiting).to.deep.equal([1, 1, 1]);
  });

  it('fails commands after their own timeout', async () => {
    const options = await behind.configure({ commandTimeout: 1_000 });
    const clients = await behind.everyKind(options);
    behind.network.goSilent();
    const outcomes = await Promise.allSettled(clients.map((client) => client.get('key')));
    for (const outcome of outcomes) {
      expect(outcome).to.have.property('reason').with.property('message', 'Command timed out');
    }
    behind.network.restore();
    await until(async () => (await Promise.allSettled(clients.map((client) => client.ping()))).every(isDone));
  });
});

function isDone({ status }: PromiseSettledResult<unknown>): boolean {
  return status === 'fulfilled';
}

describe('a transaction whose connection closes', () => {
  const cache = Cache.forEach({ tokenLifetime: 4_000 });

  it('fails or is run as a whole, with its own results', async () => {
    const options = await cache.configure();
    const clients = await Promise.all(VARIANTS.map((variant) => cache.connect(variant, options)));
    let isOver = false;
    let whole = 0;
    const work = clients.flatMap((client, index) =>
      Array.from({ length: 4 }, async (_, worker) => {
        const key = `key of ${index}, ${worker}`;
        while (!isOver) {
          const value = `value ${whole}`;
          const results = await client
            .multi()
            .set(key, value)
            .get(key)
            .exec()
            .catch(() => undefined);
          if (!results) continue;
          expect(results).to.deep.equal([
            [null, 'OK'],
            [null, value],
          ]);
          whole += 1;
        }
      }),
    );
    for (let drops = 0; drops < 20; drops += 1) {
      const before = whole;
      await until(() => whole > before + 20);
      // Some of them fall into a refresh.
      if (drops % 4 === 0) void options.authenticator.refresh();
      cache.azure.dropConnections();
    }
    isOver = true;
    await Promise.all(work);
    expect(cache.azure.statistics.refusals).to.deep.equal([]);
  });
});
