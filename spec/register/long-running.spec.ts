import { expect } from 'chai';
import { times } from '../support/waiting.js';
import { expectNothingLost, startAzure, type Azure } from './support/azure.js';
import { Program, removeBuilt, type Form } from './support/program.js';

/** The first expires before the last is issued. */
const TOKENS = 3;

/** The lifetime of a token, in ms. */
const LIFETIME = 4_000;

/** Enough to have run with each token, also on a busy machine. */
const SOME = 20;

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
      expectNothingLost(azure, program);
      for (const [client, count] of Object.entries(counts)) {
        const key = client === 'positional' ? 'of-positional' : client;
        const counted = Number(await azure.cache.server.call('GET', key));
        expect(counted, client).to.equal(count).and.to.be.above(SOME);
      }
      expect(azure.cache.statistics.connections).to.have.length(Object.keys(counts).length);
    });
  }
});
