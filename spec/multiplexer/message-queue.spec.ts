import { expect } from 'chai';
import { MessageQueue, Subscription } from '../../lib/multiplexer/subscription.js';
import { rejection } from '../support/rejection.js';

describe('MessageQueue', () => {
  const reader = {};

  it('returns messages in order, to earlier and later reads', async () => {
    const queue = new MessageQueue<number>(10);
    queue.push(1);
    queue.push(2);
    expect(await queue.next(reader)).to.deep.equal({ done: false, value: 1 });
    expect(await queue.next(reader)).to.deep.equal({ done: false, value: 2 });
    const third = queue.next(reader);
    const fourth = queue.next(reader);
    queue.push(3);
    queue.push(4);
    expect(await third).to.deep.equal({ done: false, value: 3 });
    expect(await fourth).to.deep.equal({ done: false, value: 4 });
  });

  it('reports the number of dropped messages after the waiting ones, and continues', async () => {
    const queue = new MessageQueue<number>(2);
    for (const message of [1, 2, 3, 4]) queue.push(message);
    expect((await queue.next(reader)).value).to.equal(1);
    // There is room again, but the order would be lost.
    queue.push(5);
    expect((await queue.next(reader)).value).to.equal(2);
    const error = await rejection(queue.next(reader));
    expect(error.code).to.equal('BUFFER_OVERFLOW');
    expect(error.message).to.contain('3 messages');
    queue.push(6);
    expect((await queue.next(reader)).value).to.equal(6);
  });

  it('ends after the waiting messages', async () => {
    const queue = new MessageQueue<number>(2);
    queue.push(1);
    queue.end();
    expect((await queue.next(reader)).value).to.equal(1);
    expect(await queue.next(reader)).to.deep.equal({ done: true, value: undefined });
  });

  it('ends pending reads', async () => {
    const queue = new MessageQueue<number>(2);
    const read = queue.next(reader);
    queue.end();
    expect(await read).to.deep.equal({ done: true, value: undefined });
  });

  it('takes the same time for each of very many messages', async () => {
    const queue = new MessageQueue<number>(Infinity);
    for (let message = 1; message <= 200_000; message += 1) queue.push(message);
    const start = performance.now();
    for (let message = 1; message <= 200_000; message += 1) {
      if ((await queue.next(reader)).value !== message) throw new Error(`not ${message}`);
    }
    // Removing each from an array takes minutes.
    expect(performance.now() - start).to.be.below(5_000);
  });

  it('returns no message to a reader that has left', async () => {
    const queue = new MessageQueue<number>(2);
    const other = {};
    const left = queue.next(reader);
    const stayed = queue.next(other);
    queue.leave(reader);
    queue.push(1);
    expect((await left).done).to.be.true;
    expect((await stayed).value).to.equal(1);
  });
});

describe('a Subscription with a listener', () => {
  it('continues the other iterations when one of them is left', async () => {
    const heard: string[] = [];
    const listener = (message: string): unknown => heard.push(message);
    const subscription = new Subscription<string>(
      { kind: 'subscribe', names: ['news'], listener, buffers: false, bufferSize: 10 },
      () => Promise.resolve(),
      () => undefined,
    );
    const [left, other] = [subscription[Symbol.asyncIterator](), subscription[Symbol.asyncIterator]()];
    await left.return?.();
    subscription.receive({ kind: 'subscribe', name: 'news', channel: 'news', payload: Buffer.from('hello') });
    expect((await other.next()).value).to.deep.equal({ channel: 'news', message: 'hello' });
    expect(heard).to.deep.equal(['hello']);
    const end = other.next();
    await subscription.unsubscribe();
    expect((await end).done).to.equal(true);
  });
});
