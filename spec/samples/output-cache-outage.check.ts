import { expect } from 'chai';
import express from 'express';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { Multiplexer } from '../../lib/index.js';
import { OutputCache } from '../../samples/output-cache/output-cache.js';
import { until } from '../support/waiting.js';
import { ask } from './support/ask.js';
import { HttpServer } from './support/http-server.js';

describe('samples/output-cache, while the cache is down', () => {
  it('computes at once, tells of it, and uses the cache again', async () => {
    const azure = await AzureRedisEmulator.start();
    const states: string[] = [];
    const multiplexer = await Multiplexer.connect({ ...azure.options, commandTimeout: 250 });
    multiplexer.interactive.options.enableOfflineQueue = false;
    const cache = new OutputCache({
      connect: () => Promise.resolve(multiplexer.interactive),
      prefix: '',
      report: (error) => void states.push(error === undefined ? 'up' : 'down'),
    });
    const app = express().get(
      '/',
      cache.output({ duration: 60_000 }),
      (_request, response) => void response.send('report'),
    );
    const server = await HttpServer.listen(app);
    try {
      const get = async () => (await ask(server.url)).headers['cache-status'];
      await until(async () => (await get()) === 'output-cache; hit');
      azure.refuseLogins();
      azure.dropConnections();
      await until(async () => (await get()) === 'output-cache; fwd=bypass; detail=unavailable');
      // Each would take 250 ms if it waited for the cache.
      const before = performance.now();
      for (let count = 0; count < 50; count += 1) await get();
      expect(performance.now() - before).to.be.below(5_000);
      azure.acceptLogins();
      await until(async () => (await get()) === 'output-cache; hit');
      expect(states).to.deep.equal(['up', 'down', 'up']);
    } finally {
      await server.close();
      await multiplexer.close();
      await azure.stop();
    }
  });
});
