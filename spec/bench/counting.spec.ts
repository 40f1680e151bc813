import { expect } from 'chai';
import { Arrivals, commandCounts } from '../../bench/counting.js';
import { atLeast, atMost, counts, exactly, ratio } from '../../bench/result.js';
import { settingsOf } from '../../bench/settings.js';
import { median, peakRate, quantile, ratiosOf } from '../../bench/statistics.js';

describe('the counts of the benchmark', () => {
  it('are 0 when every command was answered and counted once', () => {
    expect(commandCounts(100, 0, 100)).to.deep.equal({ lost: 0, repeated: 0, failed: 0 });
  });

  it('tell what was answered but not counted from what ran twice', () => {
    expect(commandCounts(100, 0, 98)).to.include({ lost: 2, repeated: 0 });
    expect(commandCounts(100, 0, 103)).to.include({ lost: 0, repeated: 3 });
  });

  it('do not call a command repeated that failed after it may have run', () => {
    expect(commandCounts(100, 5, 104)).to.deep.equal({ lost: 0, repeated: 0, failed: 5 });
  });

  it('find messages that are missing and those that came again, in any order', () => {
    const arrivals = new Arrivals();
    for (const number of [1, 3, 2, 3, 3, 6]) arrivals.add(number);
    expect(arrivals.received).to.equal(6);
    expect(arrivals.lost(6)).to.equal(2);
    expect(arrivals.repeated).to.equal(2);
  });
});

describe('the statistics of the benchmark', () => {
  it('interpolate quantiles', () => {
    expect(median([4, 1, 3, 2])).to.equal(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.75)).to.equal(4);
    expect(() => median([])).to.throw(RangeError);
  });

  it('compare what was measured in the same round', () => {
    expect(ratiosOf([1, 20, 300], [1, 10, 100])).to.deep.equal({ median: 2, low: 1.5, high: 2.5 });
    expect(() => ratiosOf([1], [1, 2])).to.throw(RangeError);
  });

  it('find the busiest period', () => {
    expect(peakRate([0, 900, 999, 1_000, 1_899, 5_000])).to.equal(4);
    expect(peakRate([])).to.equal(0);
  });
});

describe('a result of the benchmark', () => {
  it('is judged as it is printed', () => {
    const summary = { median: 0.986, low: 0.9, high: 1 };
    expect(ratio('throughput', 'us', summary, atLeast(0.99))).to.include({ value: '0.99', isMet: true });
    expect(ratio('throughput', 'us', summary, atMost(0.98))).to.include({ isMet: false });
  });

  it('misses its goal if one of several counts does', () => {
    expect(counts('us', { lost: 0, failed: 0 }, exactly(0))).to.include({ value: '0, 0', isMet: true });
    expect(counts('us', { lost: 0, failed: 1 }, exactly(0))).to.include({ isMet: false, isCount: true });
  });
});

describe('the command line of the benchmark', () => {
  const rows = ['latency', 'memory'];

  it('selects rows and rounds', () => {
    const settings = settingsOf(['--only', 'memory', '--rounds', '3', '--expiries', '5'], rows);
    expect(settings?.rows).to.deep.equal(['memory']);
    expect(settings?.scale).to.include({ rounds: 3, expiries: 5, peerExpiries: 5 });
  });

  for (const args of [
    ['--rounds', '0'],
    ['--rounds', 'x'],
    ['--expiries', '1.5'],
    ['--only', 'speed'],
    ['--fast'],
  ]) {
    it(`rejects ${args.join(' ')} with a sentence`, () => {
      expect(() => settingsOf(args, rows)).to.throw(/--|fast/);
    });
  }
});
