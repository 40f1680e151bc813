import { expect } from 'chai';
import { AzureRedisError, type AuthenticatorEvents, type MaintenanceEvent } from '../../lib/index.js';
import { Network } from '../support/network.js';
import { nextWhere, until } from '../support/waiting.js';
import { Multiplexers, PROTOCOLS, recorder, type Recycled } from './support/multiplexers.js';

type Stalled = AuthenticatorEvents['stalled'][0];

const QUICK = { heartbeatInterval: 200, heartbeatTimeout: 500 };

for (const protocol of PROTOCOLS) {
  describe(`a multiplexer with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forEach();
    let network: Network;

    beforeEach(async () => {
      network = await Network.to(multiplexers.azure.port);
    });
    afterEach(() => network.close());

    function isReceived(calls: readonly unknown[]): Promise<void> {
      const { server } = multiplexers.azure;
      return until(async () => {
        await server.call('PUBLISH', 'news', 'hello');
        return calls.length > 0;
      });
    }

    it('receives messages again after its connections have gone silent', async () => {
      const multiplexer = await multiplexers.connect({ protocol, port: network.port, ...QUICK });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const recycled: Recycled[] = [];
      multiplexer.authenticator.on('recycled', (event) => recycled.push(event));
      const lostAt = performance.now();
      network.loseServerSides();
      await isReceived(calls);
      await until(() => recycled.length === multiplexer.connections.length);
      for (const { reason, delivery, gap } of recycled) {
        expect({ reason, delivery }).to.deep.equal({ reason: 'stalled', delivery: 'at-most-once' });
        expect(gap).to.be.within(400, performance.now() - lostAt + 200);
      }
      await until(() => multiplexer.isConnected);
      expect(multiplexer.statistics.reconnects).to.equal(multiplexer.connections.length);
    });

    it('finds silent connections sooner while Azure announces maintenance', async () => {
      const options = { protocol, port: network.port, maintenanceEvents: true, heartbeatTimeout: 120_000 };
      const multiplexer = await multiplexers.connect(options);
      // Of the same cache, and not the multiplexer's own.
      const other = multiplexer.interactive.duplicate();
      other.on('error', () => undefined);
      await other.ping();
      try {
        const announced = nextWhere<MaintenanceEvent>(multiplexer, 'maintenance', () => true);
        const message = 'NotificationType|NodeMaintenanceStarting|StartTimeInUTC|2021-09-23T15:18:19';
        await multiplexers.azure.server.call('PUBLISH', 'AzureRedisEvents', message);
        await announced;
        const stalled = nextWhere<Stalled>(
          multiplexer.authenticator,
          'stalled',
          ({ awaited }) => awaited === 'GET',
        );
        network.loseServerSides();
        await other.get('key');
        expect((await stalled).silence).to.be.within(2_000, 60_000);
      } finally {
        other.disconnect();
      }
    });

    it('measures its latency, and counts', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      expect(await multiplexer.ping()).to.be.above(0);
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const replies = [multiplexer.interactive.get('a'), multiplexer.interactive.get('b')];
      expect(multiplexer.statistics.commandsInFlight).to.equal(2);
      await Promise.all(replies);
      await multiplexer.publish('news', 'hello');
      await until(() => calls.length === 1);
      const statistics = {
        commandsInFlight: 0,
        reconnects: 0,
        handovers: 0,
        messages: 1,
        missingSubscriptions: 0,
      };
      expect(multiplexer.statistics).to.deep.equal(statistics);
      expect(multiplexer.toJSON()).to.deep.include({ isConnected: true, status: 'ready', statistics });
    });

    it('is not pinged in a transaction', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      const { interactive } = multiplexer;
      await interactive.multi({ pipeline: false });
      await interactive.set('key', 'value');
      const latency = multiplexer.ping();
      expect(await interactive.call('EXEC')).to.deep.equal(['OK']);
      expect(await latency).to.be.above(0);
    });

    it('replaces its connections when told to', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const before = multiplexers.azure.statistics.connections.length;
      const recycled: Recycled[] = [];
      multiplexer.authenticator.on('recycled', (event) => recycled.push(event));
      const counting = multiplexer.interactive.incr('counter');
      await multiplexer.forceReconnect();
      await counting;
      expect(await multiplexer.interactive.get('counter')).to.equal('1');
      await isReceived(calls);
      const count = multiplexer.connections.length;
      expect(multiplexers.azure.statistics.connections.length).to.equal(before + count);
      await until(() => recycled.length === count);
      expect(new Set(recycled.map(({ reason }) => reason))).to.deep.equal(new Set(['requested']));
      expect(multiplexer.statistics.reconnects).to.equal(count);
    });

    it('is neither pinged nor replaced once it is closed', async () => {
      const multiplexer = await multiplexers.connect({ protocol });
      await multiplexer.close();
      expect(multiplexer.isConnected).to.equal(false);
      for (const act of [() => multiplexer.ping(), () => multiplexer.forceReconnect()]) {
        const error: unknown = await act().catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(AzureRedisError).and.include({ code: 'CLOSED' });
      }
    });
  });
}

describe('a handover', () => {
  const multiplexers = Multiplexers.forEach({ tokenLifetime: 6_000 });

  it('goes on without the old connection if that is silent', async () => {
    const network = await Network.to(multiplexers.azure.port);
    try {
      const multiplexer = await multiplexers.connect({ protocol: 2, port: network.port, ...QUICK });
      const { calls, listener } = recorder();
      await multiplexer.subscribe('news', listener);
      const { authenticator } = multiplexer;
      const recycled = nextWhere<Recycled>(authenticator, 'recycled', () => true);
      await nextWhere(authenticator, 'tokenRefreshed', () => true);
      // The handover begins now, or in a moment.
      network.loseReplies();
      expect((await recycled).delivery).to.equal('at-most-once');
      await until(async () => {
        await multiplexers.azure.server.call('PUBLISH', 'news', 'hello');
        return calls.length > 0;
      });
    } finally {
      await network.close();
    }
  });
});
