import { expect } from 'chai';
import { raceSignal } from '../../lib/timing/timeouts.js';
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
