import { randomUUID } from 'node:crypto';
import functions from '@azure/functions';
import type { HttpHandler, HttpResponseInit } from '@azure/functions';
import { expect } from 'chai';
import { SharedMultiplexer } from '../../samples/azure-functions/src/shared-multiplexer.js';
import { createHealth } from '../../samples/azure-functions/src/health.js';
import { createVisits } from '../../samples/azure-functions/src/visits.js';
import { Cache } from '../support/cache.js';
import { next } from '../support/waiting.js';
import { FunctionsHost } from '../support/functions-host.js';

const { HttpRequest, InvocationContext } = functions;

/** Invokes a handler as the host does, with nothing printed. */
async function invoke(handler: HttpHandler, params: Record<string, string> = {}): Promise<HttpResponseInit> {
  const request = new HttpRequest({ method: 'POST', url: 'http://localhost:7071/', params });
  return handler(request, new InvocationContext({ invocationId: randomUUID(), logHandler: () => undefined }));
}

describe('samples/azure-functions', () => {
  describe('its client', () => {
    const cache = Cache.forEach();
    let client: SharedMultiplexer;
    beforeEach(() => {
      client = new SharedMultiplexer(() => ({ ...cache.azure.options, retry: { retries: 0 } }));
    });
    afterEach(() => client.close());

    it('is created once, for invocations that start at the same time too', async () => {
      const visits = createVisits(client, '');
      const responses = await Promise.all([1, 2, 3].map(() => invoke(visits, { page: 'home' })));
      const counts = responses.map(({ jsonBody }) => (jsonBody as { visits: number }).visits);
      expect(Math.max(...counts)).to.equal(3);
      // One for commands, and one for subscriptions.
      expect(cache.azure.statistics.connections).to.have.length(2);
    });

    it('is created again after no token was acquired', async () => {
      const visits = createVisits(client, '');
      cache.azure.identityDown();
      const failed = await invoke(visits, { page: 'home' });
      expect(failed.status).to.equal(503);
      expect(failed.jsonBody).to.deep.equal({ error: 'The service is unavailable. Retry.' });
      cache.azure.identityRestored();
      expect(await invoke(visits, { page: 'home' })).to.deep.equal({ jsonBody: { page: 'home', visits: 1 } });
    });

    it('answers health checks with 503 while commands fail', async () => {
      expect(await invoke(createHealth(client))).to.deep.equal({ jsonBody: { status: 'healthy' } });
      cache.azure.refuseLogins();
      const lost = next(await client.get(), 'connectionLost');
      cache.azure.dropConnections();
      await lost;
      expect(await invoke(createHealth(client))).to.have.property('status', 503);
      cache.azure.acceptLogins();
    });

    it('is not created for a page that is invalid', async () => {
      const response = await invoke(createVisits(client, ''), { page: '../x' });
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
