import { expect } from 'chai';
import { stub } from 'sinon';
import { allRenewed, next, until } from '../support/waiting.js';
import { Multiplexers, recorder, type Recycled } from './support/multiplexers.js';
import { connect, distinct, publishNumbers, receiveNumbers, upTo } from './support/numbers.js';

describe('the replacement of a RESP2 subscriber', () => {
  const multiplexers = Multiplexers.forEach({ tokenLifetime: 4_000 });

  for (const [what, ...rules] of [
    ['may not publish', '-publish'],
    ['may not use the channel of the marker', 'resetchannels', '&news'],
  ] as const) {
    it(`may repeat messages, but loses none, if the identity ${what}`, async () => {
      const { multiplexer, oid } = await connect(multiplexers);
      const numbers = await receiveNumbers(multiplexer);
      await multiplexers.azure.server.call('ACL', 'SETUSER', oid, ...rules);
      // Taking channels away makes the server close those that are subscribed to them.
      await until(() => multiplexer.status === 'ready');
      const stop = publishNumbers(multiplexers, 'news');
      for (let count = 0; count < 2; count += 1) {
        const { reason, gap, delivery } = await next<Recycled>(multiplexer.authenticator, 'recycled');
        expect({ reason, gap, delivery }).to.deep.equal({
          reason: 'subscriber',
          gap: 0,
          delivery: 'at-least-once',
        });
      }
      const published = await stop();
      await until(() => numbers.at(-1) === published - 1);
      expect(distinct(numbers)).to.deep.equal(upTo(published));
      expect(multiplexers.azure.statistics.evictions).to.deep.equal([]);
    });
  }

  it('is not seen by a pattern that matches everything', async () => {
    const { multiplexer } = await connect(multiplexers);
    const { calls, listener } = recorder();
    await multiplexer.psubscribe('*', listener);
    for (let count = 0; count < 2; count += 1) {
      const { delivery } = await next<Recycled>(multiplexer.authenticator, 'recycled');
      expect(delivery).to.equal('exactly-once');
    }
    await multiplexer.publish('news', 'end');
    await until(() => calls.length > 0);
    expect(calls).to.deep.equal([['end', 'news', '*']]);
    // Nor does it leave anything behind on the server.
    expect(await multiplexers.azure.server.call('PUBSUB', 'CHANNELS')).to.deep.equal([]);
  });

  it('is never part of a transaction', async () => {
    const { multiplexer } = await connect(multiplexers);
    const { interactive } = multiplexer;
    await receiveNumbers(multiplexer);
    const recycled = next<Recycled>(multiplexer.authenticator, 'recycled');
    await interactive.multi({ pipeline: false });
    await interactive.set('key', 'value');
    await next(multiplexer.authenticator, 'tokenRefreshed');
    // The new connection is up, and the marker is to be published.
    await until(() => multiplexers.azure.statistics.open.length === 3);
    await interactive.get('key');
    expect(await interactive.exec()).to.deep.equal([
      [null, 'OK'],
      [null, 'value'],
    ]);
    expect((await recycled).delivery).to.equal('exactly-once');
  });

  it('is not reported if the multiplexer is closed during it', async () => {
    const { multiplexer } = await connect(multiplexers);
    const { authenticator, interactive } = multiplexer;
    await receiveNumbers(multiplexer);
    const recycled: Recycled[] = [];
    authenticator.on('recycled', (event) => recycled.push(event));
    // The marker waits for its end.
    await interactive.multi({ pipeline: false });
    await until(async () => {
      return String(await multiplexers.azure.server.call('PUBSUB', 'NUMSUB', 'news')) === 'news,2';
    });
    await multiplexer.close();
    expect(recycled).to.deep.equal([]);
    await until(() => multiplexers.azure.statistics.open.length === 0);
  });

  it('is followed by another one if a new token arrives during it', async () => {
    const random = stub(Math, 'random').returns(0);
    try {
      // Tokens are refreshed on request only, and connections re-authenticated without delay.
      const credential = multiplexers.azure.credential({ tokenLifetime: 3_600_000 });
      const multiplexer = await multiplexers.connect({ protocol: 2, credential });
      const other = await multiplexers.connect({ protocol: 2, authenticator: multiplexer.authenticator });
      const { authenticator, interactive } = multiplexer;
      const numbers = await receiveNumbers(multiplexer);
      const recycled: Recycled[] = [];
      authenticator.on('recycled', (event) => recycled.push(event));
      const subscribers = async (): Promise<unknown> =>
        multiplexers.azure.server.call('PUBSUB', 'NUMSUB', 'news');
      const refresh = async (): Promise<void> => {
        // Of the other multiplexer: by then, the replacement has begun.
        const reauthenticated = next(other.authenticator, 'reauthenticated');
        await authenticator.refresh();
        await reauthenticated;
      };

      // The marker waits for its end.
      await interactive.multi({ pipeline: false });
      await refresh();
      await until(async () => String(await subscribers()) === 'news,2');
      await refresh();
      expect(await interactive.exec()).to.deep.equal([]);
      await allRenewed(multiplexer);
      await until(async () => String(await subscribers()) === 'news,1');
      expect(recycled.map(({ delivery }) => delivery)).to.deep.equal(['exactly-once', 'exactly-once']);
      await multiplexer.publish('news', '0');
      await until(() => numbers.length > 0);
      expect(numbers).to.deep.equal([0]);
    } finally {
      random.restore();
    }
  });
});
