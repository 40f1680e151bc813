import { expect } from 'chai';
import sinon from 'sinon';
import { closedBySignal, CloseSignal, pause, untilClosed } from '../../lib/timing/close-signal.js';
import { failure } from '../identities/support/failure.js';

describe('CloseSignal', () => {
  it('calls its listeners once when it closes, but not those that were removed', () => {
    const signal = new CloseSignal();
    const calls: string[] = [];
    signal.onClose(() => calls.push('kept'));
    const remove = signal.onClose(() => calls.push('removed'));
    remove();
    expect(signal.closed).to.equal(false);
    signal.close();
    signal.close();
    expect(signal.closed).to.equal(true);
    expect(calls).to.deep.equal(['kept']);
  });

  it('calls a listener at once when it has closed', () => {
    const signal = new CloseSignal();
    signal.close();
    const listener = sinon.spy();
    signal.onClose(listener)();
    expect(listener.callCount).to.equal(1);
  });
});

describe('a wait that ends with a signal', () => {
  afterEach(() => {
    sinon.restore();
  });

  it('ends after its time, and leaves no listener', async () => {
    const clock = sinon.useFakeTimers();
    const signal = new CloseSignal();
    const removed = sinon.spy();
    const onClose = signal.onClose.bind(signal);
    sinon.stub(signal, 'onClose').callsFake((listener) => {
      const remove = onClose(listener);
      return () => {
        removed();
        remove();
      };
    });
    const waiting = pause(1_000, signal);
    expect(removed.callCount).to.equal(0);
    await clock.tickAsync(1_000);
    await waiting;
    expect(removed.callCount).to.equal(1);
  });

  it('ends with one and the same error when the signal closes, and leaves no timer', async () => {
    const clock = sinon.useFakeTimers();
    const signal = new CloseSignal();
    const waiting = Promise.all([pause(1_000, signal), pause(2_000, signal)].map((wait) => failure(wait)));
    signal.close();
    expect(await waiting).to.deep.equal([closedBySignal, closedBySignal]);
    expect(clock.countTimers()).to.equal(0);
    expect(await failure(pause(0, signal))).to.equal(closedBySignal);
  });

  it('does not end at once for a time that exceeds the longest timer', async () => {
    const clock = sinon.useFakeTimers();
    const signal = new CloseSignal();
    const ended = sinon.spy();
    const waiting = pause(Number.POSITIVE_INFINITY, signal).then(ended, () => undefined);
    await clock.tickAsync(3_600_000);
    expect(ended.callCount).to.equal(0);
    signal.close();
    await waiting;
  });

  it('gives up what it subscribed to', async () => {
    const signal = new CloseSignal();
    const giveUp = sinon.spy();
    const waiting = failure(untilClosed(signal, () => giveUp));
    signal.close();
    expect(await waiting).to.equal(closedBySignal);
    expect(giveUp.callCount).to.equal(1);
  });
});
