import { expect } from 'chai';
import sinon from 'sinon';
import { nextPoll, refreshTime } from '../../lib/credentials/schedule.js';
import { Token } from '../../lib/credentials/token.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

function token(details: { lifetime: number; refreshAfter?: number }): Token {
  return new Token('secret', {
    username: 'user',
    acquiredOn: 0,
    expiresOn: details.lifetime,
    refreshAfter: details.refreshAfter,
  });
}

describe('the refresh of a token', () => {
  afterEach(() => {
    sinon.restore();
  });

  it('is due when the given ratio of its lifetime is spent', () => {
    sinon.stub(Math, 'random').returns(0);
    expect(refreshTime(token({ lifetime: HOUR }), 0.75)).to.equal(45 * MINUTE);
    expect(refreshTime(token({ lifetime: HOUR }), 0.5)).to.equal(30 * MINUTE);
  });

  it('is due when the token itself says so', () => {
    sinon.stub(Math, 'random').returns(0);
    expect(refreshTime(token({ lifetime: 24 * HOUR, refreshAfter: 12 * HOUR }), 0.75)).to.equal(12 * HOUR);
  });

  it('is spread at random over the 5 % of the lifetime before that, so that a fleet does not refresh as one', () => {
    const times = Array.from({ length: 1000 }, () => refreshTime(token({ lifetime: HOUR }), 0.75));
    expect(Math.max(...times)).to.be.at.most(45 * MINUTE);
    expect(Math.min(...times)).to.be.at.least(42 * MINUTE);
    expect(Math.max(...times) - Math.min(...times)).to.be.above(2 * MINUTE);
  });

  it('is never due before the token was there', () => {
    sinon.stub(Math, 'random').returns(0.999);
    expect(refreshTime(token({ lifetime: HOUR }), 0.01)).to.equal(0);
  });
});

describe('a token that the identity library still caches', () => {
  it('is asked for again when the library stops caching it, five minutes before its end', () => {
    const asked = [45 * MINUTE];
    while ((asked.at(-1) ?? HOUR) < 55 * MINUTE) {
      asked.push(nextPoll(token({ lifetime: HOUR }), asked.at(-1) ?? 0));
    }
    expect(asked.at(-1)).to.equal(55 * MINUTE);
    expect(asked.length).to.be.below(8);
  });

  it('is asked for again at the time that it advises', () => {
    const cached = token({ lifetime: 24 * HOUR, refreshAfter: 12 * HOUR });
    expect(nextPoll(cached, 11.9 * HOUR)).to.equal(12 * HOUR);
  });

  it('is asked for ever more often towards its end, but never without a pause', () => {
    const short = token({ lifetime: 3_000 });
    expect(nextPoll(short, 2_000)).to.equal(2_250);
    expect(nextPoll(short, 2_990)).to.equal(3_040);
  });
});
