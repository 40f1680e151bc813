import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { Multiplexer } from '../../lib/index.js';
import { until } from '../support/waiting.js';
import { Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

describe('the negotiated protocol', () => {
  const multiplexers = Multiplexers.forEach();

  async function expectToWork(multiplexer: Multiplexer<Redis>, calls: unknown[][]): Promise<void> {
    const before = calls.length;
    await multiplexer.interactive.set('key', 'value');
    await multiplexer.publish('news', 'hello');
    await until(() => calls.length > before);
    expect(calls.length).to.equal(before + 1);
  }

  it('does not determine the number of connections', async () => {
    for (const protocol of PROTOCOLS) {
      const multiplexer = await multiplexers.connect({ protocol });
      expect(multiplexer.protocol).to.equal(protocol);
      const names = multiplexer.connections.map(({ name, status }) => `${name} ${status}`);
      expect(names).to.deep.equal(['interactive ready', 'subscriber ready']);
      expect(multiplexers.azure.statistics.open.length).to.equal(2);
      await multiplexer.close();
    }
  });

  it('is RESP2 if the cache rejects HELLO', async () => {
    multiplexers.azure.refuseHello();
    const multiplexer = await multiplexers.connect();
    expect(multiplexer.protocol).to.equal(2);
    expect(multiplexer.connections.length).to.equal(2);
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', listener);
    await expectToWork(multiplexer, calls);
  });

  if (PROTOCOLS.includes(3)) {
    it('may change on a reconnect', async () => {
      const { azure } = multiplexers;
      const multiplexer = await multiplexers.connect();
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      await expectToWork(multiplexer, calls);

      for (const [change, protocol] of [
        ['refuseHello', 2],
        ['acceptHello', 3],
        ['refuseHello', 2],
      ] as const) {
        azure[change]();
        const commands = Promise.all(Array.from({ length: 50 }, () => multiplexer.interactive.incr('count')));
        azure.dropConnections();
        const late = multiplexer.subscribe('late');
        await commands;
        await late;
        await until(() => multiplexer.protocol === protocol && multiplexer.status === 'ready');
        // A connection that carries commands is never subscribed with RESP2.
        expect(multiplexer.interactive.mode).to.equal('normal');
        await expectToWork(multiplexer, calls);
      }
    });
  }
});
