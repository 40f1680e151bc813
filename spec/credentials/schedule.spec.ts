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

  it('is due at the time that the token advises', () => {
    sinon.stub(Math, 'random').returns(0);
    expect(refreshTime(token({ lifetime: 24 * HOUR, refreshAfter: 12 * HOUR }), 0.75)).to.equal(12 * HOUR);
  });

  it('is spread over the 5 % of the lifetime before that, so that a fleet does not refresh as one', () => {
    const times = Array.from({ length: 1000 }, () => refreshTime(token({ lifetime: HOUR }), 0.75));
    expect(Math.max(...times)).to.be.at.most(45 * MINUTE);
    expect(Math.min(...times)).to.be.at.least(42 * MINUTE);
    expect(Math.max(...times) - Math.min(...times)).to.be.above(2 * MINUTE);
  });

  it('is due at 90 % of the lifetime at the latest, whatever the token advises', () => {
    sinon.stub(Math, 'random').returns(0);
    expect(refreshTime(token({ lifetime: HOUR, refreshAfter: HOUR - 1 }), 0.75)).to.equal(54 * MINUTE);
  });

  it('is due a second after the token was acquired at the earliest, or sooner for a token of less than four', () => {
    sinon.stub(Math, 'random').returns(0.999);
    expect(refreshTime(token({ lifetime: HOUR }), 0.01)).to.equal(1_000);
    expect(refreshTime(token({ lifetime: HOUR, refreshAfter: 1 }), 0.75)).to.equal(1_000);
    expect(refreshTime(token({ lifetime: 4_000, refreshAfter: 1 }), 0.75)).to.equal(1_000);
    expect(refreshTime(token({ lifetime: 2_000, refreshAfter: 1 }), 0.75)).to.equal(500);
    expect(refreshTime(token({ lifetime: 1 }), 0.75)).to.equal(400);
  });
});

describe('a token that the identity library caches', () => {
  it('is requested again when the library stops caching it, five minutes before the expiry', () => {
    const asked = [45 * MINUTE];
    while ((asked.at(-1) ?? HOUR) < 55 * MINUTE) {
      asked.push(nextPoll(token({ lifetime: HOUR }), asked.at(-1) ?? 0));
    }
    expect(asked.at(-1)).to.equal(55 * MINUTE);
    expect(asked.length).to.be.below(8);
  });

  it('is requested again at the time that it advises', () => {
    const cached = token({ lifetime: 24 * HOUR, refreshAfter: 12 * HOUR });
    expect(nextPoll(cached, 11.9 * HOUR)).to.equal(12 * HOUR);
  });

  it('is requested more often towards the expiry, but at most once a second', () => {
    expect(nextPoll(token({ lifetime: 60_000 }), 50_000)).to.equal(52_500);
    expect(nextPoll(token({ lifetime: 60_000 }), 59_990)).to.equal(60_990);
  });

  it('is requested more often than once a second when it lives for less than four', () => {
    expect(nextPoll(token({ lifetime: 3_000 }), 2_000)).to.equal(2_750);
    expect(nextPoll(token({ lifetime: 300 }), 200)).to.equal(600);
  });
});
