import { expect } from 'chai';
import type { AzureRedisError } from '../../lib/index.js';
import { until } from '../support/waiting.js';
import { eventOf, Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

for (const protocol of PROTOCOLS) {
  describe(`a subscription that is refused when it is restored, with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach();

    it('is reported as missing, and restored once the role permits it', async () => {
      const { azure } = multiplexers;
      const credential = azure.credential();
      const multiplexer = await multiplexers.connect({ protocol, credential });
      const errors: AzureRedisError[] = [];
      multiplexer.on('error', (error) => errors.push(error));
      const { calls, listener } = recorder();
      await multiplexer.subscribe(['news', 'secret'], listener);
      await multiplexer.psubscribe('secret.*', listener);
      // Which closes the connection.
      await azure.server.call('ACL', 'SETUSER', credential.oid, 'resetchannels', '&news');
      await until(() => multiplexer.status === 'degraded');
      expect(multiplexer.isConnected).to.equal(false);
      expect(multiplexer.statistics.missingSubscriptions).to.equal(2);
      expect(multiplexer.toJSON()).to.deep.include({ status: 'degraded', isConnected: false });
      expect(errors.find(({ code }) => code === 'NOPERM')?.message).to.match(
        /refused to subscribe to "secret"/,
      );
      // The others are there.
      await azure.server.call('PUBLISH', 'news', 'hello');
      await until(() => calls.length === 1);

      await azure.server.call('ACL', 'SETUSER', credential.oid, 'allchannels');
      await until(() => multiplexer.isConnected);
      expect(multiplexer.statistics.missingSubscriptions).to.equal(0);
      await azure.server.call('PUBLISH', 'secret', 'hello');
      await azure.server.call('PUBLISH', 'secret.1', 'hello');
      await until(() => calls.length === 3);
    });
  });
}

describe('a subscription that is refused when it is restored', () => {
  const multiplexers = Multiplexers.forEach();

  it('is tried again with each new token', async () => {
    const { azure } = multiplexers;
    const credential = azure.credential({ tokenLifetime: 3_600_000 });
    const multiplexer = await multiplexers.connect({ credential });
    const { calls, listener } = recorder();
    await multiplexer.subscribe('secret', listener);
    await azure.server.call('ACL', 'SETUSER', credential.oid, '-subscribe');
    azure.dropConnections();
    await until(() => multiplexer.status === 'degraded');
    // Each attempt doubles the wait before the next one.
    for (let count = 0; count < 3; count += 1) {
      const refused = eventOf(multiplexer, 'error', ({ code }) => code === 'NOPERM');
      await multiplexer.authenticator.refresh();
      await refused;
    }
    await azure.server.call('ACL', 'SETUSER', credential.oid, '+subscribe');
    await multiplexer.authenticator.refresh();
    const refreshedAt = performance.now();
    await until(() => multiplexer.isConnected);
    // The wait would have lasted for four seconds.
    expect(performance.now() - refreshedAt).to.be.below(3_500);
    await multiplexer.publish('secret', 'hello');
    await until(() => calls.length === 1);
  });

  it('is missing no longer once it is unsubscribed', async () => {
    const { azure } = multiplexers;
    const credential = azure.credential();
    const multiplexer = await multiplexers.connect({ credential });
    const subscription = await multiplexer.subscribe('secret');
    await azure.server.call('ACL', 'SETUSER', credential.oid, 'resetchannels');
    await until(() => multiplexer.status === 'degraded');
    await subscription.unsubscribe();
    expect(multiplexer.status).to.equal('ready');
  });

  it('does not count if it is that of the maintenance events', async () => {
    const { azure } = multiplexers;
    const credential = azure.credential();
    const multiplexer = await multiplexers.connect({ credential, maintenanceEvents: true });
    const restored = eventOf(multiplexer, 'connectionRestored');
    await azure.server.call('ACL', 'SETUSER', credential.oid, 'resetchannels');
    await restored;
    await until(() => multiplexer.isConnected);
  });
});
