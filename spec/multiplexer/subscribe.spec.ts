import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { AzureRedisError, Multiplexer } from '../../lib/index.js';
import { rejection } from '../support/rejection.js';
import { until } from '../support/waiting.js';
import { callsOf, eventOf, Multiplexers, PROTOCOLS, recorder } from './support/multiplexers.js';

for (const protocol of PROTOCOLS) {
  describe(`subscribing with RESP${protocol}`, () => {
    const multiplexers = Multiplexers.forAll();
    let multiplexer: Multiplexer<Redis>;

    beforeEach(async () => {
      multiplexer = await multiplexers.connect({ protocol });
    });

    /** Publishes over the multiplexer, which sends what comes before it to the subscribers before it answers. */
    async function publish(channel: string, message: string | Buffer): Promise<void> {
      await multiplexer.publish(channel, message);
    }

    it('calls the listener with the message and the channel', async () => {
      const { calls, listener } = recorder();
      await multiplexer.subscribe(['news', 'weather'], listener);
      expect(await multiplexer.publish('news', 'hello')).to.equal(1);
      await publish('weather', 'sunny');
      await publish('elsewhere', 'not heard');
      await publish('news', '');
      await until(() => calls.length === 3);
      expect(calls.map(([message, channel]) => [message, channel])).to.deep.equal([
        ['hello', 'news'],
        ['sunny', 'weather'],
        ['', 'news'],
      ]);
    });

    it('calls the listener with the pattern, once for each pattern that matches', async () => {
      const { calls, listener } = recorder();
      await multiplexer.psubscribe(['user.*', '*.7'], listener);
      await publish('user.7', 'hello');
      await until(() => calls.length === 2);
      expect(calls).to.have.deep.members([
        ['hello', 'user.7', 'user.*'],
        ['hello', 'user.7', '*.7'],
      ]);
    });

    it('subscribes to shard channels', async () => {
      const { calls, listener } = recorder();
      const subscription = await multiplexer.ssubscribe('orders', listener);
      await multiplexer.interactive.spublish('orders', 'one');
      // The same name is another channel for those who do not ask for a shard's.
      await publish('orders', 'not heard');
      await until(() => calls.length === 1);
      expect(calls).to.deep.equal([['one', 'orders', undefined]]);
      await subscription.unsubscribe();
      expect(await multiplexer.interactive.spublish('orders', 'two')).to.equal(0);
    });

    it('sends one SUBSCRIBE for any number of subscriptions, and one UNSUBSCRIBE after the last', async () => {
      const [subscribes, unsubscribes] = await Promise.all([
        callsOf(multiplexers.azure, 'subscribe'),
        callsOf(multiplexers.azure, 'unsubscribe'),
      ]);
      const recorders = [recorder(), recorder(), recorder()];
      const subscriptions = await Promise.all(
        recorders.map(({ listener }) => multiplexer.subscribe('news', listener)),
      );
      await publish('news', 'to all');
      await until(() => recorders.every(({ calls }) => calls.length === 1));
      expect(await callsOf(multiplexers.azure, 'subscribe')).to.equal(subscribes + 1);

      const [first, second, third] = subscriptions;
      await first?.unsubscribe();
      await second?.unsubscribe();
      expect(await callsOf(multiplexers.azure, 'unsubscribe')).to.equal(unsubscribes);
      await publish('news', 'to the third');
      await until(() => recorders[2]?.calls.length === 2);
      expect(recorders.map(({ calls }) => calls.length)).to.deep.equal([1, 1, 2]);

      await third?.unsubscribe();
      await third?.unsubscribe();
      expect(await callsOf(multiplexers.azure, 'unsubscribe')).to.equal(unsubscribes + 1);
      expect(await multiplexer.publish('news', 'to nobody')).to.equal(0);
    });

    it('keeps shard channels when the last other channel is left, and the other way round', async () => {
      const { calls, listener } = recorder();
      const shard = await multiplexer.ssubscribe('shard', listener);
      const news = await multiplexer.subscribe('news', listener);
      await news.unsubscribe();
      await multiplexer.interactive.spublish('shard', 'hello');
      await until(() => calls.length === 1);
      await multiplexer.subscribe('news', listener);
      await shard.unsubscribe();
      await publish('news', 'hello');
      await until(() => calls.length === 2);
    });

    it('ends in a consistent state when subscribing and unsubscribing cross', async () => {
      for (let round = 0; round < 20; round += 1) {
        const first = await multiplexer.subscribe('news');
        const [, second] = await Promise.all([first.unsubscribe(), multiplexer.subscribe('news')]);
        expect(await multiplexer.publish('news', 'hello')).to.equal(1);
        await Promise.all([
          second.unsubscribe(),
          multiplexer.subscribe('news').then((last) => last.unsubscribe()),
        ]);
        expect(await multiplexer.publish('news', 'hello')).to.equal(0);
      }
    });

    it('rejects if the identity may not read a channel, and subscribes to none', async () => {
      const credential = multiplexers.azure.credential();
      const restricted = await multiplexers.connect({ protocol, credential });
      await multiplexers.azure.server.call('ACL', 'SETUSER', credential.oid, 'resetchannels', '&news');
      const { calls, listener } = recorder();
      expect((await rejection(restricted.subscribe(['news', 'secret'], listener))).code).to.equal('NOPERM');
      expect(await multiplexer.publish('news', 'to nobody')).to.equal(0);
      await restricted.subscribe('news', listener);
      expect(await multiplexer.publish('news', 'to one')).to.equal(1);
      await until(() => calls.length === 1);
    });

    it('subscribes outside of transactions', async () => {
      const { interactive } = multiplexer;
      const { calls, listener } = recorder();
      await interactive.multi({ pipeline: false });
      const subscribing = multiplexer.subscribe('news', listener);
      await interactive.set('key', 'value');
      await interactive.get('key');
      expect(await interactive.exec()).to.deep.equal([
        [null, 'OK'],
        [null, 'value'],
      ]);
      await subscribing;
      await publish('news', 'hello');
      await until(() => calls.length === 1);
    });

    it('subscribes as soon as the connection is restored', async () => {
      const { calls, listener } = recorder();
      await multiplexer.subscribe('old', listener);
      const lost = eventOf(multiplexer, 'connectionLost');
      multiplexers.azure.dropConnections();
      const crossing = multiplexer.subscribe('crossing', listener);
      await lost;
      expect(multiplexer.status).to.equal('reconnecting');
      const late = multiplexer.subscribe('late', listener);
      const gone = multiplexer.subscribe('gone').then((subscription) => subscription.unsubscribe());
      await Promise.all([crossing, late, gone]);
      await until(() => multiplexer.status === 'ready');
      for (const channel of ['old', 'crossing', 'late', 'gone']) await publish(channel, 'hello');
      await until(() => calls.length === 3);
      expect(calls.map(([, channel]) => channel)).to.deep.equal(['old', 'crossing', 'late']);
    });
  });
}

describe('subscribing', () => {
  const multiplexers = Multiplexers.forAll();
  let multiplexer: Multiplexer<Redis>;

  beforeEach(async () => {
    multiplexer = await multiplexers.connect();
  });

  /** Publishes over the multiplexer, which sends what comes before it to the subscribers before it answers. */
  async function publish(channel: string, message: string | Buffer): Promise<void> {
    await multiplexer.publish(channel, message);
  }

  it('delivers Buffers on request, byte by byte', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128, 42]);
    const received: Buffer[] = [];
    await multiplexer.subscribe('bytes', (message: Buffer) => received.push(message), { buffers: true });
    const texts: string[] = [];
    await multiplexer.subscribe('bytes', (message) => texts.push(message));
    await publish('bytes', bytes);
    await until(() => received.length === 1 && texts.length === 1);
    expect(received[0]?.equals(bytes)).to.be.true;
    expect(texts[0]).to.equal(bytes.toString());
  });

  it('gives each subscription its own Buffer', async () => {
    const received: Buffer[] = [];
    const alter = (message: Buffer): void => {
      received.push(message);
      message.fill(0);
    };
    await multiplexer.subscribe('bytes', alter, { buffers: true });
    await multiplexer.subscribe('bytes', (message: Buffer) => received.push(Buffer.from(message)), {
      buffers: true,
    });
    await publish('bytes', 'hello');
    await until(() => received.length === 2);
    expect(received[1]?.toString()).to.equal('hello');
  });

  it('can be iterated over, from the time of the subscription', async () => {
    const subscription = await multiplexer.subscribe('news');
    await publish('news', 'before the loop');
    await publish('news', 'last');
    const texts: string[] = [];
    for await (const { channel, message } of subscription) {
      expect(channel).to.equal('news');
      texts.push(message);
      if (message === 'last') break;
    }
    expect(texts).to.deep.equal(['before the loop', 'last']);

    await publish('news', 'between two loops');
    const patterns = await multiplexer.psubscribe('n*', { buffers: true });
    await publish('news', 'end');
    for await (const message of patterns) {
      expect(message).to.deep.equal({ channel: 'news', message: Buffer.from('end'), pattern: 'n*' });
      await patterns.unsubscribe();
    }
    const [second, third] = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()];
    expect((await second.next()).value).to.deep.equal({ channel: 'news', message: 'between two loops' });
    expect((await third.next()).value).to.deep.equal({ channel: 'news', message: 'end' });
  });

  it('ends the iteration when it is unsubscribed, explicitly or by its scope', async () => {
    const texts: string[] = [];
    let looping: Promise<void>;
    {
      await using subscription = await multiplexer.subscribe('news');
      looping = (async () => {
        for await (const { message } of subscription) texts.push(message);
      })();
      await publish('news', 'hello');
      await until(() => texts.length === 1);
    }
    await looping;
    expect(await multiplexer.publish('news', 'to nobody')).to.equal(0);
  });

  it('drops messages when too many wait, and reports it after them', async () => {
    const subscription = await multiplexer.subscribe('flood', { bufferSize: 3 });
    const { calls, listener } = recorder();
    await multiplexer.subscribe('flood', listener);
    for (let count = 0; count < 5; count += 1) await publish('flood', String(count));
    await until(() => calls.length === 5);

    const texts: string[] = [];
    const loop = async (): Promise<void> => {
      for await (const { message } of subscription) texts.push(message);
    };
    const error = await rejection(loop());
    expect(error.code).to.equal('BUFFER_OVERFLOW');
    expect(error.message).to.contain('2 messages');
    expect(texts).to.deep.equal(['0', '1', '2']);

    const looping = loop();
    await publish('flood', 'later');
    await until(() => texts.length === 4);
    await subscription.unsubscribe();
    await looping;
    expect(texts[3]).to.equal('later');
  });

  it('isolates the errors of listeners, and emits them', async () => {
    const { calls, listener } = recorder();
    await multiplexer.subscribe('news', () => {
      throw new Error('thrown');
    });
    await multiplexer.subscribe('news', () => Promise.reject(new Error('rejected')));
    await multiplexer.subscribe('news', listener);
    // With nobody listening to `error`, nothing comes of it.
    await publish('news', 'one');
    await until(() => calls.length === 1);

    const errors: AzureRedisError[] = [];
    multiplexer.on('error', (error) => errors.push(error));
    await publish('news', 'two');
    await until(() => calls.length === 2 && errors.length === 2);
    expect(errors.map(({ code, message }) => `${code} ${message}`)).to.have.members([
      'LISTENER_FAILED A listener of the channel news failed: thrown',
      'LISTENER_FAILED A listener of the channel news failed: rejected',
    ]);
    expect(multiplexer.status).to.equal('ready');
  });

  it('reports shard channels by their subscribed names, with a keyPrefix too', async () => {
    const prefixed = await multiplexers.connect({ keyPrefix: 'app:' });
    const { calls, listener } = recorder();
    await prefixed.ssubscribe('orders', listener);
    await prefixed.subscribe('news', listener);
    await prefixed.interactive.spublish('orders', 'one');
    await prefixed.publish('news', 'two');
    await until(() => calls.length === 2);
    expect(calls).to.deep.equal([
      ['one', 'orders', undefined],
      ['two', 'news', undefined],
    ]);
  });
});
