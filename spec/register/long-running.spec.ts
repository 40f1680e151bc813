import { expect } from 'chai';
import type { AzureRedisEmulator } from '../../emulator/index.js';
import { times } from '../support/waiting.js';
import { startAzure, type Azure } from './support/azure.js';
import { Program, removeBuilt, type Form } from './support/program.js';

/** The first expires before the last is issued. */
const TOKENS = 3;

/** The lifetime of a token, in ms. */
const LIFETIME = 4_000;

describe('a program with ioredis-azure/register, over token expiries', () => {
  let azure: Azure;
  let program: Program;
  after(removeBuilt);
  afterEach(async () => {
    await program.kill();
    await azure.stop();
  });

  const forms: [string, Form][] = [
    ['as ES modules', 'esm'],
    ['as CommonJS', 'cjs'],
    ['in TypeScript, by tsx', 'ts'],
    ['bundled and minified', 'bundle'],
    ['bundled and minified, as CommonJS', 'bundle-cjs'],
  ];
  for (const [name, form] of forms) {
    it(`keeps every client logged in: ${name}`, async () => {
      azure = await startAzure(LIFETIME);
      program = await Program.start('clients', azure.environment, { form });
      await times(TOKENS, azure.entra, 'token');
      const counts = await program.result<Record<string, number>>();
      expectNothingLost();
      for (const [client, count] of Object.entries(counts)) {
        const key = client === 'positional' ? 'of-positional' : client;
        const counted = Number(await azure.cache.server.call('GET', key));
        expect(counted, client).to.equal(count).and.to.be.above(100);
      }
      expect(azure.cache.statistics.connections).to.have.length(Object.keys(counts).length);
    });
  }

  it('keeps every node of a Cluster logged in', async () => {
    azure = await startAzure(LIFETIME, { cluster: { masters: 3, replicas: 1 } });
    program = await Program.start('clusters', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const counts = await program.result<Record<string, number>>();
    expectNothingLost();
    for (const [client, count] of Object.entries(counts)) {
      expect(count, client).to.be.above(100);
      if (client !== 'publisher') expect(await countedBy(azure.cache, client), client).to.equal(count);
    }
  });

  it('keeps the clients of BullMQ and other libraries logged in', async () => {
    azure = await startAzure(LIFETIME);
    program = await Program.start('libraries', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const results = await program.result<Record<string, [number, number]>>();
    expectNothingLost();
    for (const [library, [sent, arrived]] of Object.entries(results)) {
      expect(arrived, library).to.equal(sent).and.to.be.above(100);
    }
  });

  it('keeps the clients of BullMQ on a cluster logged in', async () => {
    azure = await startAzure(LIFETIME, { cluster: { masters: 3 } });
    program = await Program.start('cluster-jobs', azure.environment);
    await times(TOKENS, azure.entra, 'token');
    const { bullmq: [added, done] = [] } = await program.result<Record<string, [number, number]>>();
    expectNothingLost();
    expect(done).to.equal(added).and.to.be.above(50);
  });

  function expectNothingLost(): void {
    const { evictions, refusals } = azure.cache.statistics;
    expect({ evictions, refusals }).to.deep.equal({ evictions: [], refusals: [] });
    expect(program.stderr).to.equal('');
  }
});

/** The value of a counter, read from the nodes of a cluster directly. */
async function countedBy({ cluster }: AzureRedisEmulator, key: string): Promise<number> {
  const values = (await cluster.masters()).map(async ({ server }) =>
    server.call('GET', key).catch(() => null),
  );
  return Number((await Promise.all(values)).find((value) => value !== null));
}
