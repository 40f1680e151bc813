import { expect } from 'chai';
import { internals } from '../../lib/ioredis/client.js';
import { Cache } from '../support/cache.js';
import { RESP2_VARIANTS, VARIANTS } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';
import { until } from '../support/waiting.js';

describe('the heartbeat', () => {
  const cache = Cache.forEach();

  async function pings(): Promise<number> {
    const statistics = String(await cache.azure.server.call('INFO', 'commandstats'));
    return Number(/cmdstat_ping:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
  }

  for (const variant of VARIANTS) {
    it(`keeps an idle connection busy: ${variant.name}`, async () => {
      await cache.connect(variant, await cache.configure({ heartbeatInterval: 20 }));
      await until(async () => (await pings()) > 3);
    });

    it(`sends nothing on a connection in use: ${variant.name}`, async () => {
      const client = await cache.connect(variant, await cache.configure({ heartbeatInterval: 200 }));
      const end = Date.now() + 1_000;
      while (Date.now() < end) await client.set('key', 'value');
      expect(await pings()).to.equal(0);
    });

    it(`is never part of a transaction: ${variant.name}`, async () => {
      const options = await cache.configure({ heartbeatInterval: 20 });
      const client = await cache.connect(variant, options);
      await client.multi({ pipeline: false });
      await client.set('key', 'value');
      // Another client of the same authenticator, whose heart beats in the meantime.
      await cache.connect(variant, options);
      await until(async () => (await pings()) > 3);
      expect(await client.call('EXEC')).to.deep.equal(['OK']);
    });
  }

  for (const variant of RESP2_VARIANTS) {
    it(`keeps an idle subscriber busy: ${variant.name}`, async () => {
      const client = await cache.connect(variant, await cache.configure({ heartbeatInterval: 20 }));
      await client.subscribe('news');
      const before = await pings();
      await until(async () => (await pings()) > before + 3);
    });
  }

  it('sends a PING before a transaction that begins right after it, with enableAutoPipelining', async () => {
    const [variant] = VARIANTS;
    const options = await cache.configure({ heartbeatInterval: 20, enableAutoPipelining: true });
    const client = await cache.connect(variant, options);
    const pipeline = client.pipeline.bind(client);
    await new Promise<unknown>((resolve) => {
      client.pipeline = () => {
        client.pipeline = pipeline;
        process.nextTick(() => {
          resolve(client.multi({ pipeline: false }));
        });
        return pipeline();
      };
    });
    await client.set('key', 'value');
    expect(await client.call('EXEC')).to.deep.equal(['OK']);
  });

  it('spreads the PINGs of many idle clients over the interval', async () => {
    const options = await cache.configure({ heartbeatInterval: 1_000 });
    const [variant] = VARIANTS;
    const clients = await Promise.all(Array.from({ length: 60 }, () => cache.connect(variant, options)));
    const moments = await Promise.all(
      clients.map(
        (client) =>
          new Promise<number>((resolve) => {
            const { stream } = client;
            const write = stream.write.bind(stream);
            stream.write = (chunk: string) => {
              resolve(performance.now());
              return write(chunk);
            };
          }),
      ),
    );
    const turns = new Set(moments.map((moment) => Math.floor(moment / 50)));
    expect(turns.size).to.be.at.least(5);
  });

  it('sends no further PING while one is not answered, with heartbeatTimeout: 0', async () => {
    const network = await Network.to(cache.azure.port);
    try {
      const options = await cache.configure({
        port: network.port,
        heartbeatInterval: 200,
        heartbeatTimeout: 0,
      });
      const [variant] = VARIANTS;
      const client = await cache.connect(variant, options);
      const { stream, commandQueue } = internals(client);
      network.loseReplies((port) => port === stream?.localPort);
      await cache.connect(variant, options);
      await until(() => commandQueue.length > 0);
      const before = await pings();
      await until(async () => (await pings()) > before + 5);
      expect(commandQueue.length).to.equal(1);
    } finally {
      await network.close();
    }
  });

  it('can be disabled', async () => {
    const [variant] = VARIANTS;
    const silent = await cache.connect(variant, await cache.configure({ heartbeatInterval: 0 }));
    await cache.connect(variant, await cache.configure({ heartbeatInterval: 20 }));
    const before = silent.stream.bytesWritten;
    await until(async () => (await pings()) > 10);
    expect(silent.stream.bytesWritten).to.equal(before);
  });
});
