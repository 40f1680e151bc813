import { expect } from 'chai';
import type { Cluster } from 'ioredis';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { Multiplexer, type ConfigureForAzureOptions } from '../../lib/index.js';
import { slotOf } from '../support/key-slots.js';
import { rejection } from '../support/rejection.js';
import { optionsFor } from '../support/token-options.js';
import { expiries, next, until } from '../support/waiting.js';
import { PROTOCOLS, recorder, type Recycled } from './support/multiplexers.js';

/** Channels of every node. */
const CHANNELS = Array.from({ length: 12 }, (_, index) => `orders ${index}`);

describe('shard channels of a cluster', () => {
  let azure: AzureRedisEmulator;
  let multiplexer: Multiplexer<Cluster> | undefined;
  const open: Multiplexer<Cluster>[] = [];

  before(async () => {
    azure = await AzureRedisEmulator.start({ cluster: { masters: 3, replicas: 1 }, tokenLifetime: 4_000 });
  });

  afterEach(() => Promise.all(open.splice(0).map((each) => each.close())));

  after(() => azure.stop());

  async function connect(more: Partial<ConfigureForAzureOptions> = {}): Promise<Multiplexer<Cluster>> {
    multiplexer = await Multiplexer.connect({
      ...optionsFor(azure, more),
      cluster: true,
    });
    open.push(multiplexer);
    return multiplexer;
  }

  it('are subscribed at the nodes of their slots, under the names that were given', async () => {
    const { interactive } = await connect({ keyPrefix: 'app:' });
    const { calls, listener } = recorder();
    const subscription = await multiplexer?.ssubscribe(CHANNELS, listener);
    for (const channel of CHANNELS) await interactive.spublish(channel, `to ${channel}`);
    await until(() => calls.length === CHANNELS.length);
    expect(calls).to.have.deep.members(CHANNELS.map((channel) => [`to ${channel}`, channel, undefined]));
    const subscribers = multiplexer?.connections.filter(({ name }) => name === 'subscriber');
    // One for all other channels, and one at each node.
    expect(subscribers?.map(({ status }) => status)).to.deep.equal(['ready', 'ready', 'ready', 'ready']);
    await subscription?.unsubscribe();
    expect(await interactive.spublish('orders 0', 'to nobody')).to.equal(0);
  });

  it('have the keyPrefix of the Cluster', async () => {
    const prefixed = await Multiplexer.connect({ ...optionsFor(azure, {}), cluster: { keyPrefix: 'app:' } });
    open.push(prefixed);
    const { calls, listener } = recorder();
    await prefixed.ssubscribe('orders', listener);
    expect(await prefixed.interactive.spublish('orders', 'hello')).to.equal(1);
    await until(() => calls.length === 1);
    expect(calls).to.deep.equal([['hello', 'orders', undefined]]);
  });

  it('deliver every message exactly once across expiries', async () => {
    const trials = await Promise.all(
      PROTOCOLS.map(async (protocol) => {
        const connected = await connect({ protocol });
        const { calls, listener } = recorder();
        await connected.ssubscribe(CHANNELS, listener);
        const recycled: Recycled[] = [];
        connected.authenticator.on('recycled', (event) => recycled.push(event));
        return { protocol, connected, calls, recycled };
      }),
    );
    const over = new AbortController();
    const ends = trials.map(({ connected }) => expiries(2, connected.authenticator));
    const ending = Promise.all(ends).then(() => {
      over.abort();
    });
    let count = 0;
    for (; !over.signal.aborted; count += 1) {
      await trials[0]?.connected.interactive.spublish(CHANNELS[count % CHANNELS.length] ?? '', String(count));
    }
    await ending;
    for (const { protocol, calls, recycled } of trials) {
      await until(() => calls.length >= count);
      expect(calls.map(([text]) => Number(text)).sort((one, other) => one - other)).to.deep.equal(
        Array.from({ length: count }, (_, index) => index),
      );
      expect(recycled.map(({ delivery }) => delivery)).to.deep.equal(recycled.map(() => 'exactly-once'));
      // Four subscribers, each for every token.
      if (protocol === 2) expect(recycled.length).to.be.at.least(8);
      else expect(recycled).to.deep.equal([]);
    }
    expect(azure.statistics.evictions).to.deep.equal([]);
  });

  it('follow slots that move to another node', async () => {
    const { interactive } = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const { calls, listener } = recorder();
    await multiplexer?.ssubscribe(CHANNELS, listener);
    const slot = slotOf('orders 0');
    const masters = await azure.cluster.masters();
    for (const target of masters) {
      await azure.cluster.moveSlots([slot], target);
      const before = calls.length;
      // A process that only subscribes: another one publishes.
      await until(async () => {
        await target.server.call('SPUBLISH', 'orders 0', 'hello').catch(() => undefined);
        return calls.length > before;
      });
      expect(multiplexer?.isConnected).to.equal(true);
    }
    expect(await interactive.spublish('orders 1', 'hello')).to.equal(1);
  });

  it('survive failovers and lost connections', async () => {
    const { interactive } = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const { calls, listener } = recorder();
    await multiplexer?.ssubscribe(CHANNELS, listener);
    const [master] = await azure.cluster.masters();
    if (master) await azure.cluster.failover(master);
    azure.dropConnections();
    for (const channel of CHANNELS) {
      await until(async () => {
        await interactive.spublish(channel, 'hello');
        return calls.some(([, heard]) => heard === channel);
      });
    }
    await until(() => multiplexer?.isConnected === true);
  });

  it('do not fail forceReconnect() if their node has none of them any more', async () => {
    const { interactive } = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const subscription = await multiplexer?.ssubscribe('orders 0');
    azure.refuseLogins();
    const forced = multiplexer?.forceReconnect();
    await until(() => multiplexer?.status === 'reconnecting');
    await subscription?.unsubscribe();
    // As ioredis does when it has read the slots.
    interactive.emit('refresh');
    azure.acceptLogins();
    await forced;
    expect(multiplexer?.isConnected).to.equal(true);
  });

  it('are looked for at another node while theirs keeps the other ones', async () => {
    const { interactive } = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const { calls, listener } = recorder();
    await multiplexer?.ssubscribe(CHANNELS.slice(1), listener);
    const [own, ...others] = CHANNELS.map((channel) => interactive.slots[slotOf(channel)]?.[0] ?? '');
    interactive.slots[slotOf('orders 0')] = others.filter((node) => node !== own);
    await multiplexer?.ssubscribe('orders 0', listener);
    for (const channel of CHANNELS) await interactive.spublish(channel, 'hello');
    await until(() => calls.length === CHANNELS.length);
    expect(multiplexer?.isConnected).to.equal(true);
  });

  it('are unsubscribed although their slot has just moved', async () => {
    const { interactive } = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const subscription = await multiplexer?.ssubscribe('orders 0');
    azure.failNextCommand(`MOVED ${slotOf('orders 0')} 127.0.0.1:1`, { command: 'SUNSUBSCRIBE' });
    await subscription?.unsubscribe();
    const { calls, listener } = recorder();
    await multiplexer?.ssubscribe('orders 0', listener);
    await interactive.spublish('orders 0', 'hello');
    await until(() => calls.length === 1);
  });

  it('are rejected by close() while they are looked for at another node', async () => {
    const closed = await connect({ credential: azure.credential({ tokenLifetime: 60_000 }) });
    const { interactive } = closed;
    const slot = slotOf('orders 0');
    const other = interactive.slots.flat().find((node) => !interactive.slots[slot]?.includes(node));
    // As long as a slot has moved, and the cluster client does not know.
    interactive.slots[slot] = [other ?? ''];
    const refusal = rejection(closed.ssubscribe('orders 0'));
    await next(interactive, 'refresh');
    await closed.close();
    expect((await refusal).code).to.equal('CLOSED');
  });

  it('reject what the role does not permit, and leave nothing of it', async () => {
    const credential = azure.credential();
    const { interactive } = await connect({ credential });
    for (const { server } of await azure.cluster.masters()) {
      await server.call('ACL', 'SETUSER', credential.oid, 'resetchannels', '&orders*');
    }
    const rejecting = multiplexer?.ssubscribe(['orders 1', 'secret']) ?? Promise.resolve();
    const error = await rejection(rejecting);
    expect(error.code).to.equal('NOPERM');
    await until(async () => (await interactive.spublish('orders 1', 'to nobody')) === 0);
    expect(multiplexer?.isConnected).to.equal(true);
  });
});
