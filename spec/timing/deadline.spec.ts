import { expect } from 'chai';
import sinon from 'sinon';
import { Deadline } from '../../lib/timing/deadline.js';

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
