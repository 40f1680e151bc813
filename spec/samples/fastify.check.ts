import { expect } from 'chai';
import { configureForAzure } from '../../lib/index.js';
import { createApp } from '../../samples/fastify/app.js';
import { Cache } from '../support/cache.js';
import { SampleProcess } from '../support/sample-process.js';
import { until } from '../support/waiting.js';

const MAIN = 'samples/fastify/main.ts';

describe('samples/fastify', () => {
  it('serves requests across expiries, and exits on SIGTERM', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', '0']);
    try {
      const url = await sample.printed(/curl -X POST (http\S+)\/counters/);
      const expiresOn = async (): Promise<string> => {
        const response = await fetch(`${url}/health`);
        expect(response.status).to.equal(200);
        return ((await response.json()) as { expiresOn: string }).expiresOn;
      };
      const tokens = new Set<string>();
      let requests = 0;
      while (tokens.size < 3) {
        requests += 1;
        const response = await fetch(`${url}/counters/visits`, { method: 'POST' });
        expect(await response.json()).to.deep.equal({ name: 'visits', value: requests });
        tokens.add(await expiresOn());
      }
      expect((await fetch(`${url}/counters/No%20name`)).status).to.equal(400);
    } finally {
      await sample.stop();
    }
    expect(sample.output).to.match(/The cache counted: connections 1, tokens \d+, evictions 0\n/);
    expect(await sample.exitCode()).to.equal(0);
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', 'here']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(/^--listen must be an integer .*\nUsage: .*\n$/);
  });

  describe('while the cache is unreachable', () => {
    const cache = Cache.forEach();

    it('answers 503 in time and names no internals, and recovers', async () => {
      const redis = await configureForAzure({ ...cache.azure.options, commandTimeout: 500 });
      const app = await createApp(redis);
      const increment = () => app.inject({ method: 'POST', url: '/counters/visits' });
      const health = () => app.inject({ url: '/health' });
      try {
        expect((await increment()).json()).to.deep.equal({ name: 'visits', value: 1 });
        cache.azure.refuseLogins();
        cache.azure.dropConnections();
        await until(async () => (await health()).statusCode === 503);
        const unavailable = await increment();
        expect(unavailable.statusCode).to.equal(503);
        expect(unavailable.headers['retry-after']).to.equal('1');
        expect(unavailable.json()).to.deep.equal({ error: 'The service is unavailable. Retry.' });

        cache.azure.acceptLogins();
        await until(async () => (await health()).statusCode === 200);
        expect((await increment()).statusCode).to.equal(200);
      } finally {
        await app.close();
      }
    });
  });
});
