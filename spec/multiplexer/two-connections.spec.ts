import { expect } from 'chai';
import { until } from '../support/waiting.js';
import { eventOf, Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

describe('the two connections of a multiplexer', () => {
  const multiplexers = Multiplexers.forEach();

  it('carry bursts of large replies beside a subscription, and run each command once', async () => {
    const multiplexer = await multiplexers.connect();
    const { interactive } = multiplexer;
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', listener);
    let lost = 0;
    multiplexer.on('connectionLost', () => (lost += 1));
    await interactive.set('large', 'x'.repeat(40_000));
    for (let burst = 1; burst <= 3; burst += 1) {
      const large = Array.from({ length: 1_500 }, () => interactive.get('large'));
      const counts = Array.from({ length: 100 }, () => interactive.incr('counter'));
      expect((await Promise.all(large)).every((text) => text?.length === 40_000)).to.equal(true);
      expect((await Promise.all(counts)).at(-1)).to.equal(100 * burst);
    }
    expect(await multiplexers.azure.server.call('GET', 'counter')).to.equal('300');
    expect(lost).to.equal(0);
    await multiplexer.publish('news', 'hello');
    await until(() => calls.length === 1);
  });

  for (const protocol of PROTOCOLS) {
    it(`leave no ended client behind when they are replaced while the subscriber is lost, with RESP${protocol}`, async () => {
      const { azure } = multiplexers;
      const multiplexer = await multiplexers.connect({
        protocol,
        retryStrategy: (times) => (times < 3 ? 1 : 3_600_000),
      });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      azure.refuseLogins();
      let failures = 0;
      multiplexer.on('error', () => (failures += 1));
      const lost = eventOf(multiplexer, 'connectionLost', ({ connection }) => connection === 'subscriber');
      await azure.server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await lost;
      await until(() => failures >= 3);
      azure.acceptLogins();
      // Which does not wait for the retry strategy.
      await multiplexer.forceReconnect();
      expect(multiplexer.isConnected).to.equal(true);
      await until(() => multiplexer.authenticator.connections.length === 2);
      expect(multiplexer.authenticator.connections.map(({ status }) => status)).to.deep.equal([
        'ready',
        'ready',
      ]);
      await multiplexer.publish('news', 'hello');
      await until(() => calls.length === 1);
    });
  }

  it('survive a message without a payload, as the server sends of keys that have changed', async () => {
    const { azure } = multiplexers;
    const multiplexer = await multiplexers.connect({ protocol: 2 });
    const { calls, listener } = recorder();
    await multiplexer.subscribe(['__redis__:invalidate', 'news'], listener);
    const clients = String(await azure.server.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    const id = /^id=(\d+) /.exec(clients)?.[1] ?? '';
    await azure.server.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id);
    await azure.server.call('SET', 'key', 'value');
    await azure.server.call('GET', 'key');
    // With the names of the keys, then with nil.
    await multiplexer.interactive.set('key', 'other');
    await multiplexer.interactive.flushall();
    await multiplexer.publish('news', 'hello');
    await until(() => calls.length > 0);
    expect(calls).to.deep.equal([['hello', 'news', undefined]]);
  });

  it('need no more listeners of the authenticator than they remove', async () => {
    const first = await multiplexers.connect();
    const { authenticator } = first;
    const listeners = authenticator.listenerCount('tokenRefreshed');
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const others = await Promise.all(
      Array.from({ length: 12 }, () => multiplexers.connect({ authenticator, protocol: 2 })),
    );
    await Promise.all(others.map((multiplexer) => multiplexer.close()));
    process.off('warning', onWarning);
    expect(warnings).to.deep.equal([]);
    expect(authenticator.listenerCount('tokenRefreshed')).to.equal(listeners);
  });
});
