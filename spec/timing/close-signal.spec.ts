import { expect } from 'chai';
import sinon from 'sinon';
import { closedBySignal, CloseSignal, pause, Wait } from '../../lib/timing/close-signal.js';
import { failure } from '../identities/support/failure.js';

describe('CloseSignal', () => {
  it('calls its listeners once when it closes, but not those that were removed', () => {
    const signal = new CloseSignal();
    const calls: string[] = [];
    const [kept, keptToo, removed, removedLast] = ['kept', 'kept, too', 'removed', 'removed last'].map(
      (name) => ({ signalClosed: () => calls.push(name) }),
    );
    for (const listener of [kept, keptToo, removed, removedLast]) if (listener) signal.add(listener);
    for (const listener of [removed, removedLast]) if (listener) signal.delete(listener);
    expect(signal.closed).to.equal(false);
    signal.close();
    signal.close();
    expect(signal.closed).to.equal(true);
    expect(calls).to.deep.equal(['kept', 'kept, too']);
  });

  it('calls a listener at once when it has closed', () => {
    const signal = new CloseSignal();
    signal.close();
    const signalClosed = sinon.spy();
    signal.add({ signalClosed });
    expect(signalClosed.callCount).to.equal(1);
  });
});

describe('a wait that ends with a signal', () => {
  afterEach(() => {
    sinon.restore();
  });

  it('ends after its time, and leaves no listener', async () => {
    const clock = sinon.useFakeTimers();
    const signal = new CloseSignal();
    const onEnd = sinon.spy();
    const waits = [pause(1_000, signal), pause(1_000, signal), pause(1_000, signal)];
    const wait = new Wait<string>(signal, onEnd);
    // Input that has arrived is handled first.
    await clock.tickAsync(1_001);
    await Promise.all(waits);
    wait.end('result');
    expect(await wait.promise).to.equal('result');
    signal.close();
    expect(onEnd.args).to.deep.equal([[wait]]);
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

  it('says that it has ended when the signal closes', async () => {
    const signal = new CloseSignal();
    const onEnd = sinon.spy();
    const wait = new Wait(signal, onEnd);
    signal.close();
    expect(await failure(wait.promise)).to.equal(closedBySignal);
    expect(onEnd.args).to.deep.equal([[wait]]);
  });
});
