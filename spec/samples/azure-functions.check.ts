import functions from '@azure/functions';
import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import { expect } from 'chai';
import { SharedClient } from '../../samples/azure-functions/src/shared-client.js';
import { createHealth } from '../../samples/azure-functions/src/health.js';
import { createVisits } from '../../samples/azure-functions/src/visits.js';
import { Cache } from '../support/cache.js';
import { FunctionsHost } from '../support/functions-host.js';
import { SampleProcess } from '../support/sample-process.js';
import { next } from '../support/waiting.js';

const MAIN = 'samples/azure-functions/main.ts';

const { HttpRequest, InvocationContext } = functions;

/** Invokes a handler as the host does, with nothing printed. */
async function invoke(handler: HttpHandler, params: Record<string, string> = {}): Promise<HttpResponseInit> {
  const request = new HttpRequest({ method: 'POST', url: 'http://localhost:7071/', params });
  return handler(request, new InvocationContext({ logHandler: () => undefined }));
}

describe('samples/azure-functions', () => {
  it('counts visits across expiries over one connection', async () => {
    const sample = new SampleProcess(MAIN);
    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.match(/Invocations \d+, failures 0\n/);
    expect(sample.output).to.match(/The cache counted: connections 1, tokens \d+, evictions 0\n/);
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--port', '6380']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(/^--port needs --host\.\nUsage: .*\n$/);
  });

  describe('its client', () => {
    const cache = Cache.forEach();
    let client: SharedClient;
    beforeEach(() => {
      client = new SharedClient(() => ({ ...cache.azure.options, retry: { retries: 0 } }));
    });
    afterEach(() => client.close());

    it('is created once, for invocations that start at the same time too', async () => {
      const visits = createVisits(client);
      const responses = await Promise.all([1, 2, 3].map(() => invoke(visits, { page: 'home' })));
      const counts = responses.map(({ jsonBody }) => (jsonBody as { visits: number }).visits);
      expect(counts).to.have.members([1, 2, 3]);
      expect(cache.azure.statistics.connections).to.have.length(1);
    });

    it('is created again after no token was acquired', async () => {
      const visits = createVisits(client);
      cache.azure.identityDown();
      const failed = await invoke(visits, { page: 'home' });
      expect(failed.status).to.equal(503);
      expect(failed.jsonBody).to.deep.equal({ error: 'The service is unavailable. Retry.' });
      cache.azure.identityRestored();
      expect(await invoke(visits, { page: 'home' })).to.deep.equal({ jsonBody: { page: 'home', visits: 1 } });
    });

    it('is created again after it has ended', async () => {
      const redis = await client.get();
      await redis.ping();
      const ended = next(redis, 'end');
      await redis.quit();
      await ended;
      expect(await invoke(createHealth(client))).to.deep.equal({ jsonBody: { status: 'healthy' } });
      expect(cache.azure.statistics.connections).to.have.length(2);
    });

    it('is not created for a page that is invalid', async () => {
      const response = await invoke(createVisits(client), { page: '../x' });
      expect(response.status).to.equal(400);
      expect(cache.azure.statistics.connections).to.deep.equal([]);
    });
  });

  describe('registered with the host', () => {
    const host = new FunctionsHost();
    before(async () => {
      host.install();
      await import('../../samples/azure-functions/src/index.js');
    });
    after(() => {
      host.uninstall();
    });

    it('has an HTTP trigger for each function', () => {
      expect(host.triggers).to.deep.equal({
        visits: { type: 'httpTrigger', methods: ['POST'], route: 'visits/{page}', authLevel: 'function' },
        health: { type: 'httpTrigger', methods: ['GET'], route: undefined, authLevel: 'anonymous' },
      });
    });

    it('answers 503 and logs the missing setting', async () => {
      const handler = host.handlers.get('visits');
      if (!handler) throw new Error('not registered');
      const logged: unknown[] = [];
      const request = new HttpRequest({
        method: 'POST',
        url: 'http://localhost:7071/',
        params: { page: 'home' },
      });
      const context = new InvocationContext({ logHandler: (_level, ...args) => logged.push(...args) });
      expect(await handler(request, context)).to.have.property('status', 503);
      expect(logged.map(String).join(' ')).to.contain('REDIS_HOST');
    });

    it('closes the client when the host stops the instance', () => {
      expect(host.hooks).to.deep.equal(['appTerminate']);
    });
  });
});
