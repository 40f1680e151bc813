import { expect } from 'chai';
import { Cluster } from 'ioredis';
import { Multiplexer } from '../../lib/index.js';
import { AzureRedisEmulator, type ClusterNode } from '../../emulator/index.js';
import { tokenOptions } from '../support/token-options.js';
import { next, nextWhere, until } from '../support/waiting.js';
import { PROTOCOLS, recorder, type Recycled } from './support/multiplexers.js';

describe('the multiplexer of a cluster', () => {
  let azure: AzureRedisEmulator;
  const open: Multiplexer<Cluster>[] = [];

  before(async () => {
    azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 }, tokenLifetime: 4_000 });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((multiplexer) => multiplexer.close()));
  });

  after(() => azure.stop());

  async function connect(more: object = {}): Promise<Multiplexer<Cluster>> {
    const multiplexer = await Multiplexer.connect({
      ...azure.options,
      ...tokenOptions(azure, more),
      maintenanceEvents: true,
      cluster: {},
      ...more,
    });
    open.push(multiplexer);
    return multiplexer;
  }

  it('has a Cluster for commands and one connection for subscriptions', async () => {
    for (const protocol of PROTOCOLS) {
      const multiplexer = await connect({ protocol });
      const { interactive } = multiplexer;
      expect(interactive).to.be.instanceOf(Cluster);
      expect(multiplexer.protocol).to.equal(protocol);
      expect(multiplexer.status).to.equal('ready');
      expect(multiplexer.connections.map(({ name }) => name)).to.deep.equal(['interactive', 'subscriber']);
      // Keys of every node.
      const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
      await Promise.all(keys.map((key) => interactive.set(key, key)));
      expect(await Promise.all(keys.map((key) => interactive.get(key)))).to.deep.equal(keys);
    }
  });

  it('loses and repeats no message when tokens expire', async () => {
    const trials = await Promise.all(
      PROTOCOLS.map(async (protocol) => {
        const multiplexer = await connect({ protocol });
        const { calls, listener } = recorder();
        const recycled: Recycled[] = [];
        multiplexer.authenticator.on('recycled', (event) => recycled.push(event));
        await multiplexer.subscribe('news', listener);
        return { protocol, multiplexer, calls, recycled };
      }),
    );
    const [publisher] = trials;
    let count = 0;
    const firstEnds = trials.map(({ multiplexer }) => multiplexer.authenticator.expiresOn);
    const isOver = (): boolean =>
      firstEnds.every((end) => end < new Date()) &&
      trials.every(({ protocol, recycled }) => protocol === 3 || recycled.length >= 3);
    // Each after the last one is answered: nodes tell each other of messages in no common order.
    while (!isOver()) {
      await publisher?.multiplexer.publish('news', String(count));
      count += 1;
    }
    for (const { calls, recycled } of trials) {
      await until(() => calls.length >= count);
      expect(calls.map(([text]) => Number(text))).to.have.members(
        Array.from({ length: count }, (_, index) => index),
      );
      expect(recycled.map(({ delivery }) => delivery)).to.deep.equal(recycled.map(() => 'exactly-once'));
    }
    expect(azure.statistics.evictions).to.deep.equal([]);
  });

  describe('whose node for subscriptions has no slots any more', () => {
    let extra: ClusterNode;
    let multiplexer: Multiplexer<Cluster>;
    let calls: unknown[][];

    beforeEach(async () => {
      extra = await azure.cluster.addNode();
      await azure.cluster.moveSlots([0], extra);
      multiplexer = await connectTo(extra.port);
      const { calls: received, listener } = recorder();
      calls = received;
      await multiplexer.subscribe('news', listener);
      const [other] = await azure.cluster.masters();
      await azure.cluster.moveSlots([0], other ?? extra);
      multiplexer.interactive.refreshSlotsCache();
      await next(multiplexer.interactive, 'refresh');
    });

    afterEach(async () => {
      await azure.cluster.removeNode(extra);
    });

    async function expectToWork(): Promise<void> {
      expect(subscriberPort(multiplexer)).not.to.equal(extra.port);
      const before = calls.length;
      await multiplexer.publish('news', 'hello');
      await until(() => calls.length === before + 1);
    }

    it('moves to another node, and loses no message while both are available', async () => {
      const recycled = await next<Recycled>(multiplexer.authenticator, 'recycled');
      expect(recycled).to.deep.include({ reason: 'maintenance', gap: 0, delivery: 'at-least-once' });
      await expectToWork();
    });

    it('moves to another node on forceReconnect(), without a guarantee for the messages published meanwhile', async () => {
      const recycled = nextWhere<Recycled>(multiplexer.authenticator, 'recycled', ({ endpoint }) =>
        endpoint.endsWith(`:${extra.port}`),
      );
      await multiplexer.forceReconnect();
      // The move may have begun.
      expect((await recycled).reason).to.be.oneOf(['maintenance', 'requested']);
      expect(await recycled).to.include({ delivery: 'best-effort' });
      await expectToWork();
    });

    it('moves to another node when the first is lost, and reports the gap', async () => {
      azure.refuseLogins();
      const lost = next(multiplexer, 'connectionLost');
      extra.dropConnections();
      expect(await lost).to.have.property('connection', 'subscriber');
      const restored = next<{ gap: number }>(multiplexer, 'connectionRestored');
      azure.acceptLogins();
      const event = await restored;
      expect(event).to.have.property('connection', 'subscriber');
      expect(event.gap).to.be.above(0);
      await expectToWork();
    });
  });

  function subscriberPort({ connections }: Multiplexer<Cluster>): number {
    return Number(
      connections
        .find(({ name }) => name === 'subscriber')
        ?.endpoint.split(':')
        .at(-1),
    );
  }

  async function connectTo(port: number): Promise<Multiplexer<Cluster>> {
    for (;;) {
      // No handover begins by itself before the spec's own: it could still choose the node that is being removed.
      const credential = azure.credential({ tokenLifetime: 20_000 });
      const multiplexer = await connect({ protocol: 2, credential, expirationRefreshRatio: 0.75 });
      if (subscriberPort(multiplexer) === port) return multiplexer;
      await multiplexer.close();
    }
  }

  it('finds another node for subscriptions when theirs is removed, though no command tells it', async () => {
    const extra = await azure.cluster.addNode();
    await azure.cluster.moveSlots([0], extra);
    const multiplexer = await connectTo(extra.port);
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', listener);
    const [other] = await azure.cluster.masters();
    await azure.cluster.moveSlots([0], other ?? extra);
    await azure.cluster.removeNode(extra);
    await until(async () => {
      await other?.server.call('PUBLISH', 'news', 'hello');
      return calls.length > 0;
    });
    expect(subscriberPort(multiplexer)).not.to.equal(extra.port);
    await multiplexer.forceReconnect();
    expect(multiplexer.isConnected).to.equal(true);
  });

  it('replaces its connections on forceReconnect(), and is ready again', async () => {
    const multiplexer = await connect({ protocol: 2 });
    const recycled: Recycled[] = [];
    multiplexer.authenticator.on('recycled', (event) => recycled.push(event));
    // Connections to the other nodes, such as replicas, are opened when they are first used.
    const inUse = multiplexer.interactive.nodes().filter(({ status }) => status !== 'wait');
    expect(inUse.length).to.be.below(multiplexer.interactive.nodes().length);
    await multiplexer.forceReconnect();
    expect(multiplexer.status).to.equal('ready');
    await until(() => recycled.filter(({ reason }) => reason === 'requested').length === inUse.length + 1);
    expect(await multiplexer.interactive.set('key', 'value')).to.equal('OK');
  });

  it('is ready when forceReconnect() resolves while it reconnects by itself', async () => {
    const multiplexer = await connect({ protocol: 2 });
    azure.dropConnections();
    await multiplexer.forceReconnect();
    expect(multiplexer.status).to.equal('ready');
    expect(await multiplexer.interactive.set('key', 'value')).to.equal('OK');
  });

  it('refreshes the slots after maintenance', async () => {
    const multiplexer = await connect();
    let refreshes = 0;
    multiplexer.interactive.on('refresh', () => (refreshes += 1));
    const told = new Promise((resolve) => multiplexer.once('maintenance', resolve));
    await azure.server.call('PUBLISH', 'AzureRedisEvents', 'NotificationType|NodeMaintenanceScaleComplete');
    await told;
    await until(() => refreshes > 0);
  });

  it('waits for the replies in flight on close()', async () => {
    const multiplexer = await connect();
    const replies = Array.from({ length: 100 }, () => multiplexer.interactive.incr('counter'));
    await multiplexer.close();
    expect((await Promise.all(replies)).at(-1)).to.equal(100);
    await until(() => azure.statistics.open.length === 0);
    expect(multiplexer.interactive.status).to.equal('end');
  });
});
