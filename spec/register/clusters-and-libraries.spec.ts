import { expect } from 'chai';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import { LongRun, SOME } from './support/long-run.js';

describe('clusters and libraries with ioredis-azure/register, over token expiries', () => {
  const run = LongRun.forEach();

  it('keeps every node of a Cluster logged in', async () => {
    const counts = await run.results<Record<string, number>>('clusters', {
      cluster: { masters: 3, replicas: 1 },
    });
    for (const [client, count] of Object.entries(counts)) {
      expect(count, client).to.be.above(SOME);
      if (client !== 'publisher') expect(await countedBy(run.cache, client), client).to.equal(count);
    }
  });

  it('keeps the clients of BullMQ and other libraries logged in', async () => {
    const results = await run.results<Record<string, [number, number]>>('libraries');
    for (const [library, [sent, arrived]] of Object.entries(results)) {
      expect(arrived, library).to.equal(sent).and.to.be.above(SOME);
    }
  });

  it('keeps the clients of BullMQ on a cluster logged in', async () => {
    const { bullmq: [added, done] = [] } = await run.results<Record<string, [number, number]>>(
      'cluster-jobs',
      { cluster: { masters: 3 } },
    );
    expect(done).to.equal(added).and.to.be.above(SOME);
  });
});

/** The value of a counter, read from the nodes of a cluster directly. */
async function countedBy({ cluster }: AzureRedisEmulator, key: string): Promise<number> {
  const values = (await cluster.masters()).map(async ({ server }) =>
    server.call('GET', key).catch(() => null),
  );
  return Number((await Promise.all(values)).find((value) => value !== null));
}
