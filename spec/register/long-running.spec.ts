import { expect } from 'chai';
import { LongRun, SOME } from './support/long-run.js';
import type { Form } from './support/program.js';

describe('a program with ioredis-azure/register, over token expiries', () => {
  const run = LongRun.forEach();

  const forms: [string, Form][] = [
    ['as ES modules', 'esm'],
    ['as CommonJS', 'cjs'],
    ['in TypeScript, by tsx', 'ts'],
    ['bundled and minified', 'bundle'],
    ['bundled and minified, as CommonJS', 'bundle-cjs'],
  ];
  for (const [name, form] of forms) {
    it(`keeps every client logged in: ${name}`, async () => {
      const counts = await run.results<Record<string, number>>('clients', { form });
      for (const [client, count] of Object.entries(counts)) {
        const key = client === 'positional' ? 'of-positional' : client;
        const counted = Number(await run.cache.server.call('GET', key));
        expect(counted, client).to.equal(count).and.to.be.above(SOME);
      }
      expect(run.cache.statistics.connections).to.have.length(Object.keys(counts).length);
    });
  }
});
