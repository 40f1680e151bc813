import { expect } from 'chai';
import sinon from 'sinon';
import { TokenRequestError } from '../../lib/identities/identity-errors.js';
import type { Token } from '../../lib/credentials/token.js';
import { failure } from '../identities/support/failure.js';
import { rejection } from '../support/rejection.js';
import { Cycles, HOUR, SETTINGS, unavailable } from './support/cycles.js';

describe('TokenCycle.start()', () => {
  const cycles = Cycles.forEach();

  it('makes five attempts, each with 5 s more than the one before, and rejects with the last error', async () => {
    cycles.service.failure = unavailable();
    const { started } = await cycles.starting();
    await cycles.clock.tickAsync(20_000);
    expect(await rejection(started)).to.equal(cycles.service.failure);
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
    const { started } = await cycles.starting();
    await cycles.clock.tickAsync(29_999);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1);
    await started;
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 30_000]);
  });

  it('waits for the backoff when Retry-After is shorter', async () => {
    cycles.service.failure = unavailable(100);
    const { started } = await cycles.starting();
    await cycles.clock.tickAsync(499);
    cycles.service.failure = undefined;
    await cycles.clock.tickAsync(1);
    await started;
    expect(cycles.service.requests.map(({ at }) => at - 1_000_000)).to.deep.equal([0, 500]);
  });

  it('fails at once when the identity service asks for a pause of more than a minute, and says until when', async () => {
    for (const pause of [61_000, HOUR, 2 ** 60]) {
      cycles.service.failure = unavailable(pause);
      const before = cycles.service.requests.length;
      const { code, hint } = await rejection(cycles.start());
      expect(code).to.equal('TOKEN_UNAVAILABLE');
      expect(hint).to.match(/^wait It accepts the next request at \S+Z\.$/);
      expect(cycles.service.requests.length).to.equal(before + 1);
    }
    expect(unavailable(HOUR).hint).to.contain(new Date(Date.now() + HOUR).toISOString());
    expect(unavailable(60_000).hint).to.equal('wait');
  });

  it('ends with its signal, also during an attempt or a pause', async () => {
    const during = [
      () => new Promise<Token>(() => undefined),
      () => Promise.reject(unavailable()),
      () => Promise.reject(unavailable(30_000)),
    ];
    for (const answer of during) {
      cycles.service.answer = answer;
      const aborter = new AbortController();
      const { started } = await cycles.starting({}, aborter.signal);
      await cycles.clock.tickAsync(700);
      const reason = new Error('no longer wanted');
      aborter.abort(reason);
      expect(await failure(started)).to.equal(reason);
      expect(cycles.clock.countTimers()).to.equal(0);
    }
  });

  it('warns of the first failed attempt, once, and only if it is retried', async () => {
    const warn = sinon.stub(process, 'emitWarning');
    cycles.service.failure = unavailable();
    const { started } = await cycles.starting();
    await cycles.clock.tickAsync(0);
    expect(warn.args).to.deep.equal([
      [
        'The first attempt failed and is retried: No access token',
        { type: 'IoredisAzureWarning', code: 'TOKEN_UNAVAILABLE', detail: 'wait' },
      ],
    ]);
    await cycles.clock.tickAsync(20_000);
    await rejection(started);
    await rejection(cycles.start({ retry: { ...SETTINGS.retry, retries: 0 } }));
    expect(warn.callCount).to.equal(1);
  });

  it('leaves no timer behind', async () => {
    await cycles.start();
    expect(cycles.clock.countTimers()).to.equal(0);
  });
});
