import { expect } from 'chai';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import { times } from '../support/waiting.js';
import { expectNothingLost, startAzure, type Azure } from './support/azure.js';
import { Program, removeBuilt } from './support/program.js';

/** The first expires before the last is issued. */
const TOKENS = 3;

/** The lifetime of a token, in ms. */
const LIFETIME = 4_000;

/** Enough to have run with each token, also on a busy machine. */
const SOME = 20;

describe('clusters and libraries with ioredis-azure/register, over token expiries', () => {
  let azure: Azure;
  let program: Program;
  after(removeBuilt);
  afterEach(async () => {
    await program.kill();
    await azure.stop();
  });

  it('keeps every node of a Cluster logged in', async () => {
    azure = await startAzure(LIFETIME, { cluster: { masters: 3, replicas: 1 } });
    program = await Program.start('clusters', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const counts = await program.result<Record<string, number>>();
    expectNothingLost(azure, program);
    for (const [client, count] of Object.entries(counts)) {
      expect(count, client).to.be.above(SOME);
      if (client !== 'publisher') expect(await countedBy(azure.cache, client), client).to.equal(count);
    }
  });

  it('keeps the clients of BullMQ and other libraries logged in', async () => {
    azure = await startAzure(LIFETIME);
    program = await Program.start('libraries', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const results = await program.result<Record<string, [number, number]>>();
    expectNothingLost(azure, program);
    for (const [library, [sent, arrived]] of Object.entries(results)) {
      expect(arrived, library).to.equal(sent).and.to.be.above(SOME);
    }
  });

  it('keeps the clients of BullMQ on a cluster logged in', async () => {
    azure = await startAzure(LIFETIME, { cluster: { masters: 3 } });
    program = await Program.start('cluster-jobs', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const { bullmq: [added, done] = [] } = await program.result<Record<string, [number, number]>>();
    expectNothingLost(azure, program);
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
