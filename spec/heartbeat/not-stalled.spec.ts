import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { Stall } from '../../lib/index.js';
import { Cache } from '../support/cache.js';
import { VARIANTS } from '../support/ioredis-versions.js';
import { Network } from '../support/network.js';

const [FIRST] = VARIANTS;

describe('a connection that is not silent', () => {
  const cache = Cache.forEach();
  let network: Network;

  beforeEach(async () => {
    network = await Network.to(cache.azure.port);
  });
  afterEach(() => network.close());

  async function connect(heartbeatTimeout = 500): Promise<{ client: Redis; stalls: Stall[] }> {
    const options = await cache.configure({ port: network.port, heartbeatInterval: 200, heartbeatTimeout });
    const stalls: Stall[] = [];
    options.authenticator.on('stalled', (stall) => stalls.push(stall));
    return { client: await cache.connect(FIRST, options), stalls };
  }

  it('is left alone while a long reply arrives', async () => {
    const { client, stalls } = await connect();
    await client.set('key', 'x'.repeat(2_000_000));
    network.slowDown(1_000_000);
    expect(await client.strlen('key')).to.equal(2_000_000);
    expect(await client.get('key')).to.have.length(2_000_000);
    expect(stalls).to.deep.equal([]);
  });

  it('is left alone while a long command leaves', async () => {
    const { client, stalls } = await connect(1_000);
    // Sockets hold several megabytes, which are on their way after the last one has left this process.
    network.slowDown(16_000_000);
    expect(await client.set('key', 'x'.repeat(40_000_000))).to.equal('OK');
    expect(stalls).to.deep.equal([]);
  });

  it('is left alone if only this process was blocked', async () => {
    const { client, stalls } = await connect();
    const reply = client.get('key');
    const end = performance.now() + 3_000;
    while (performance.now() < end);
    await reply;
    await sleep(300);
    expect(stalls).to.deep.equal([]);
  });
});
