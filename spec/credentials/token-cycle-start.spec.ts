import { expect } from 'chai';
import { TokenRequestError } from '../../lib/credentials/token-request.js';
import { rejection } from '../support/rejection.js';
import { Cycles, HOUR, unavailable } from './support/cycles.js';

describe('TokenCycle.start()', () => {
  const cycles = Cycles.forEach();

  it('makes five attempts, each with 5 s more than the one before, and rejects with the last error', async () => {
    cycles.service.failure = unavailable();
    const failed = rejection(cycles.start());
    await cycles.clock.tickAsync(20_000);
    expect(await failed).to.equal(cycles.service.failure);
    expect(cycles.service.requests.map(({ timeout }) => timeout)).to.deep.equal([
      10_000, 15_000, 20_000, 25_000, 30_000,
    ]);
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([
      0, 500, 1_500, 3_500, 7_500,
    ]);
  });

  it('fails at once when the identity service refuses for good', async () => {
    cycles.service.failure = new TokenRequestError(
      'refused',
      { permanent: true, hint: 'correct it' },
      new Error('no'),
    );
    expect(await rejection(cycles.start())).to.include({ code: 'TOKEN_REFUSED', hint: 'correct it' });
    expect(cycles.service.requests).to.have.length(1);
  });

  it('waits for the longer of Retry-After and the backoff, not for their sum', async () => {
    cycles.service.failure = unavailable(30_000);
    const started = cycles.start();
    await cycles.clock.tickAsync(29_999);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1);
    await started;
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 30_000]);
  });

  it('waits for the backoff when Retry-After is shorter', async () => {
    cycles.service.failure = unavailable(100);
    const started = cycles.start();
    await cycles.clock.tickAsync(499);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1);
    await started;
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 500]);
  });

  it('waits for a Retry-After that exceeds the longest timer of Node.js', async () => {
    cycles.service.failure = unavailable(2 ** 40);
    const started = cycles.start();
    await cycles.clock.tickAsync(HOUR);
    expect(cycles.service.requests).to.have.length(1);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(2 ** 31);
    await started;
  });

  it('leaves no timer behind', async () => {
    await cycles.start();
    expect(cycles.clock.countTimers()).to.equal(0);
  });
});
