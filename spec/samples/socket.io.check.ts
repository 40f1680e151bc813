import { expect } from 'chai';
import { SampleProcess } from '../support/sample-process.js';

const MAIN = 'samples/socket.io/main.ts';
const CLIENTS = 4;

describe('samples/socket.io', () => {
  it('delivers each message once to each client of both servers across expiries', async () => {
    const sample = new SampleProcess(MAIN);
    expect(await sample.exitCode(), sample.output).to.equal(0);
    const { output } = sample;
    const [messages = 0, deliveries] = (
      /Messages (\d+), deliveries (\d+), lost 0, repeated 0\n/.exec(output) ?? []
    )
      .slice(1)
      .map(Number);
    expect(messages).to.be.above(CLIENTS);
    expect(deliveries).to.equal(messages * CLIENTS);
    // Two connections of each server; each takes AUTH in place.
    expect(output).to.match(/connections 4, tokens ([4-9]|\d\d), evictions 0\n/);
  });

  it('delivers the last messages and exits on SIGTERM', async () => {
    const sample = new SampleProcess(MAIN, ['--seconds', '600']);
    await sample.printed(/re-authenticated/, CLIENTS);
    await sample.stop();
    expect(await sample.exitCode(), sample.output).to.equal(0);
    expect(sample.output).to.contain('lost 0, repeated 0\n');
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--seconds', 'ten']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(/^--seconds must be an integer .*\nUsage: .*\n$/);
  });
});
