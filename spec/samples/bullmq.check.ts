import { expect } from 'chai';
import { SampleProcess } from '../support/sample-process.js';

const MAIN = 'samples/bullmq/main.ts';

/** How many attempts a job of each kind takes. */
const ATTEMPTS = { immediate: 1, delayed: 1, retried: 2, repeated: 1 };

describe('samples/bullmq', () => {
  for (const [name, args] of [
    ['one cache', []],
    ['a cluster', ['--cluster']],
  ] as const) {
    it(`runs each job exactly once across expiries: ${name}`, async () => {
      const sample = new SampleProcess(MAIN, args);
      expect(await sample.exitCode(), sample.output).to.equal(0);
      const { output } = sample;
      for (const [kind, attempts] of Object.entries(ATTEMPTS)) {
        const counts = new RegExp(`^${kind} +(\\d+) +(\\d+) +(\\d+)$`, 'm')
          .exec(output)
          ?.slice(1)
          .map(Number);
        const [jobs = 0] = counts ?? [];
        expect(jobs, kind).to.be.above(5);
        expect(counts, kind).to.deep.equal([jobs, jobs * attempts, jobs]);
      }
      expect(output).to.contain('Lost 0, run twice 0, failed 0, errors 0\n');
      expect(output).to.match(/tokens ([4-9]|\d\d), evictions 0\n/);
    });
  }

  it('completes its jobs and exits on SIGTERM', async () => {
    const sample = new SampleProcess(MAIN, ['--seconds', '600']);
    await sample.printed(/re-authenticated/);
    await sample.stop();
    expect(await sample.exitCode(), sample.output).to.equal(0);
    expect(sample.output).to.contain('Lost 0, run twice 0, failed 0, errors 0\n');
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--seconds', '0']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(/^--seconds must be an integer .*\nUsage: .*\n$/);
  });
});
