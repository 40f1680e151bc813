import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { MaintenanceEvent, Multiplexer } from '../../lib/index.js';
import { next, until } from '../support/waiting.js';
import { eventOf, Multiplexers, PROTOCOLS, recorder, type Recycled } from './support/multiplexers.js';

const CHANNEL = 'AzureRedisEvents';

/** Resolves every name to this machine. */
function loopback(
  _name: string,
  options: LookupOptions,
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
): void {
  lookup('127.0.0.1', options, callback);
}

for (const protocol of PROTOCOLS) {
  describe(`a maintenance event with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forAll();
    let multiplexer: Multiplexer<Redis>;

    beforeEach(async () => {
      multiplexer = await multiplexers.connect({ protocol, maintenanceEvents: true });
    });

    function announce(message: string): Promise<unknown> {
      return multiplexers.azure.server.call('PUBLISH', CHANNEL, message);
    }

    it('is emitted as a typed event', async () => {
      const event = eventOf(multiplexer, 'maintenance');
      await announce(
        'NotificationType|NodeMaintenanceStarting|StartTimeInUTC|2021-09-23T15:18:19|IsReplica|False|IPAddress||' +
          'SSLPort|15001|NonSSLPort|13001',
      );
      expect(await event).to.deep.include({
        type: 'NodeMaintenanceStarting',
        startTime: new Date(Date.UTC(2021, 8, 23, 15, 18, 19)),
        isReplica: false,
        sslPort: 15001,
        nonSslPort: 13001,
      });
      // It is not there yet.
      expect(multiplexer.status).to.equal('ready');
    });

    it('is not emitted for a malformed message', async () => {
      const events: MaintenanceEvent[] = [];
      multiplexer.on('maintenance', (event) => events.push(event));
      for (const message of ['', 'hello', '|||', 'NotificationType', 'NotificationType|'])
        await announce(message);
      await announce('NotificationType|NodeMaintenanceEnded');
      await until(() => events.length > 0);
      expect(events.map(({ type }) => type)).to.deep.equal(['NodeMaintenanceEnded']);
    });

    for (const type of ['NodeMaintenanceFailoverComplete', 'NodeMaintenanceScaleComplete']) {
      it(`replaces the connections after ${type}, and loses no reply`, async () => {
        const { interactive, authenticator } = multiplexer;
        const { calls, listener } = recorder();
        await multiplexer.subscribe('news', listener);
        const before = multiplexers.azure.statistics.connections.length;
        const clients = multiplexer.connections.length;
        const recycled: Recycled[] = [];
        authenticator.on('recycled', (event) => recycled.push(event));

        const key = `counter ${type}`;
        let acknowledged = 0;
        const callers = Array.from({ length: 16 }, async () => {
          while (recycled.length < clients) {
            await interactive.incr(key);
            acknowledged += 1;
          }
        });
        await announce(`NotificationType|${type}|IsReplica|False`);
        // A second one before the first one is done with adds nothing.
        await announce(`NotificationType|${type}|IsReplica|True`);
        await Promise.all(callers);

        expect(Number(await interactive.get(key))).to.equal(acknowledged);
        expect(recycled.map(({ reason }) => reason)).to.deep.equal(recycled.map(() => 'maintenance'));
        expect(multiplexers.azure.statistics.connections.length).to.equal(before + clients);
        await until(() => multiplexer.status === 'ready');
        await multiplexer.publish('news', 'hello');
        await until(() => calls.length === 1);
        // The subscriber is handed over.
        const deliveries = recycled.map(({ delivery }) => delivery);
        expect(deliveries).to.have.members(['at-most-once', 'exactly-once']);
      });
    }

    it('waits for an open transaction', async () => {
      const { interactive, authenticator } = multiplexer;
      await interactive.multi({ pipeline: false });
      await interactive.set('key', 'value');
      const told = eventOf(multiplexer, 'maintenance');
      await announce('NotificationType|NodeMaintenanceFailoverComplete');
      await told;
      await interactive.get('key');
      const recycled = next<Recycled>(authenticator, 'recycled');
      expect(await interactive.exec()).to.deep.equal([
        [null, 'OK'],
        [null, 'value'],
      ]);
      await recycled;
    });
  });
}

describe('a maintenance event', () => {
  const multiplexers = Multiplexers.forAll();

  it('leaves a connection alone that is already being replaced', async () => {
    const multiplexer = await multiplexers.connect({
      protocol: 2,
      maintenanceEvents: true,
      retryStrategy: () => 300,
    });
    const { interactive, authenticator } = multiplexer;
    const recycled: Recycled[] = [];
    authenticator.on('recycled', (event) => recycled.push(event));
    interactive.disconnect(true);
    await next(interactive, 'reconnecting');
    const ready = next(interactive, 'ready');
    await multiplexers.azure.server.call(
      'PUBLISH',
      CHANNEL,
      'NotificationType|NodeMaintenanceFailoverComplete',
    );
    await ready;
    await interactive.ping();
    await until(() => recycled.length > 0);
    // That of the subscriber.
    expect(recycled.map(({ delivery }) => delivery)).to.deep.equal(['exactly-once']);
  });
});

describe('the channel of maintenance events', () => {
  const multiplexers = Multiplexers.forAll();

  async function subscribers(): Promise<unknown> {
    return multiplexers.azure.server.call('PUBSUB', 'NUMSUB', CHANNEL);
  }

  it('is subscribed with `maintenanceEvents: true`', async () => {
    await multiplexers.connect();
    expect(await subscribers()).to.deep.equal([CHANNEL, 0]);
    await multiplexers.connect({ maintenanceEvents: true });
    expect(await subscribers()).to.deep.equal([CHANNEL, 1]);
  });

  for (const [host, isListenedTo] of [
    ['my-cache.redis.cache.windows.net', true],
    ['my-cache.redis.cache.usgovcloudapi.net', true],
    ['my-cache.redis.cache.chinacloudapi.cn', true],
    ['my-cache.westeurope.redis.azure.net', false],
    ['my-cache.westeurope.redisenterprise.cache.azure.net', false],
    ['localhost', false],
  ] as const) {
    it(`is ${isListenedTo ? '' : 'not '}subscribed by default on ${host}`, async () => {
      const { ca } = multiplexers.azure;
      // The name leads to this machine; `lookup` is an option of the socket, which ioredis' types do not list.
      const tls = { ca, servername: 'localhost', ...{ lookup: loopback } };
      await multiplexers.connect({ host, tls });
      expect(await subscribers()).to.deep.equal([CHANNEL, isListenedTo ? 1 : 0]);
      await multiplexers.connect({ host, tls, maintenanceEvents: !isListenedTo });
      expect(await subscribers()).to.deep.equal([CHANNEL, 1]);
    });
  }

  it('may be forbidden by the access policy', async () => {
    const credential = multiplexers.azure.credential();
    await multiplexers.azure.server.call('ACL', 'SETUSER', credential.oid, 'resetchannels');
    const multiplexer = await multiplexers.connect({ credential, maintenanceEvents: true });
    expect(multiplexer.status).to.equal('ready');
  });
});
