import { expect } from 'chai';
import { MessageQueue } from '../../lib/multiplexer/subscription.js';
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
