import { expect } from 'chai';
import { retryDelay } from '../../lib/connection/keep-logged-in.js';

describe('the retry of a failed AUTH', () => {
  it('waits for at most a quarter of the remaining lifetime of the old token', () => {
    for (let failures = 1; failures < 20; failures += 1) {
      expect(retryDelay(failures, 4_000)).to.be.at.most(1_000);
    }
  });

  it('leaves time for many attempts before the old token expires, however long the outage', () => {
    let left = 20_000;
    let attempts = 0;
    while (left > 0) {
      attempts += 1;
      left -= retryDelay(attempts, left);
    }
    expect(attempts).to.be.at.least(15);
  });

  it('waits for at least 100 ms, and backs off to a minute without an expiry', () => {
    expect(retryDelay(1, 1)).to.be.at.least(100);
    expect(retryDelay(20, 1)).to.be.at.least(100);
    expect(retryDelay(20, Infinity)).to.equal(60_000);
  });
});
