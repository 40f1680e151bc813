import { expect } from 'chai';
import sinon from 'sinon';
import { Deadline, raceSignal } from '../../lib/timing/timeouts.js';
import { failure } from '../identities/support/failure.js';

describe('raceSignal()', () => {
  const never = new Promise<never>(() => undefined);

  it('settles as the promise does', async () => {
    const { signal } = new AbortController();
    expect(await raceSignal(Promise.resolve('result'), signal)).to.equal('result');
    expect(await failure(raceSignal(Promise.reject(new Error('reason')), signal))).to.have.property(
      'message',
      'reason',
    );
  });

  it('rejects as soon as the signal is aborted, at once if it is already', async () => {
    const controller = new AbortController();
    const racing = failure(raceSignal(never, controller.signal));
    controller.abort();
    expect(await racing).to.have.property('message', 'aborted');
    expect(await failure(raceSignal(never, controller.signal))).to.have.property('message', 'aborted');
  });
});

describe('Deadline', () => {
  afterEach(() => {
    sinon.restore();
  });

  it('has passed at its time', () => {
    const clock = sinon.useFakeTimers({ now: 1_000_000 });
    const deadline = new Deadline(1_060_000);
    expect(deadline.remaining).to.equal(60_000);
    clock.tick(61_000);
    expect(deadline.remaining).to.equal(-1_000);
  });

  it('has passed after a suspension, when the monotonic clock stood still', () => {
    const clock = sinon.useFakeTimers({ now: 1_000_000 });
    const deadline = new Deadline(1_060_000);
    clock.setSystemTime(1_070_000);
    expect(deadline.remaining).to.equal(-10_000);
  });

  it('has passed although the wall clock was set back', () => {
    const clock = sinon.useFakeTimers({ now: 1_000_000 });
    const deadline = new Deadline(1_060_000);
    clock.setSystemTime(0);
    clock.tick(61_000);
    expect(deadline.remaining).to.equal(-1_000);
  });
});
