import { expect } from 'chai';
import { clientAddress } from '../../samples/rate-limit/client-address.js';
import { SampleProcess } from '../support/sample-process.js';
import { type Answer, ask } from './support/ask.js';
import { AzureEnvironment } from './support/azure-environment.js';

const PATH = 'samples/rate-limit/main.ts';
const URL = /^(http:\S+)\/api\/time/m;
// A busy machine may let a command wait for longer than a user would.
const FLAGS = ['--listen', '0', '--points', '20', '--duration', '600', '--cache-timeout', '10000'];

describe('samples/rate-limit', () => {
  describe('on the emulator', () => {
    it('counts exactly across token expiries, and refuses what is too much', async () => {
      const sample = new SampleProcess(PATH, FLAGS);
      try {
        const url = await sample.printed(URL);
        await sample.printed(/Requests are counted in the cache/);
        expect(await remaining(url, 10)).to.deep.equal([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
        // The token of the first requests expires before the third re-authentication.
        await sample.printed(/ re-authenticated/, 3);
        expect(await remaining(url, 10)).to.deep.equal([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);

        const refused = await request(url);
        expect(refused.status).to.equal(429);
        expect(refused.headers['ratelimit-policy']).to.equal('"requests";q=20;w=600');
        expect(refused.headers['ratelimit']).to.match(/^"requests";r=0;t=5\d\d$/);
        expect(Number(refused.headers['retry-after'])).to.be.within(500, 600);
        expect(JSON.parse(refused.body)).to.include({ title: 'Too Many Requests', status: 429 });
      } finally {
        await sample.stop();
      }
      expect(sample.output).not.to.contain('counted in this process');
    });
  });

  describe('in several processes', () => {
    let environment: AzureEnvironment;

    beforeEach(async () => {
      environment = await AzureEnvironment.start(3_600_000);
    });

    afterEach(() => environment.stop());

    it('lets through as many requests as one process would', async () => {
      const samples = [environment.run(PATH, ...FLAGS), environment.run(PATH, ...FLAGS)];
      const urls = await Promise.all(samples.map((sample) => sample.printed(URL)));
      for (const sample of samples) await sample.printed(/Requests are counted in the cache/);
      const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => request(urls[index % 2])));
      expect(answers.filter(({ status }) => status === 200)).to.have.length(20);
      expect(answers.filter(({ status }) => status === 429)).to.have.length(10);
    });

    it('counts in each process when the cache goes away', async () => {
      const sample = environment.run(PATH, ...FLAGS);
      const url = await sample.printed(URL);
      await sample.printed(/Requests are counted in the cache/);
      expect(await remaining(url, 2)).to.deep.equal([19, 18]);
      await environment.azure.stop();
      await sample.printed(/Requests are counted in this process/);
      expect(await remaining(url, 20)).to.deep.equal(Array.from({ length: 20 }, (_, index) => 19 - index));
      expect((await request(url)).status).to.equal(429);

      sample.signal('SIGTERM');
      expect(await sample.exitCode()).to.equal(0);
    });
  });

  it('counts the addresses of a client together', () => {
    expect(clientAddress('203.0.113.7')).to.equal('203.0.113.7');
    expect(clientAddress('::ffff:203.0.113.7')).to.equal('203.0.113.7');
    expect(clientAddress('2001:db8:1:2:3:4:5:6')).to.equal('2001:db8:1:2::/64');
    expect(clientAddress('2001:DB8:1:0002::9')).to.equal('2001:db8:1:2::/64');
    expect(clientAddress('2001:db8::1')).to.equal('2001:db8:0:0::/64');
    expect(clientAddress('::1')).to.equal('0:0:0:0::/64');
    expect(clientAddress('fe80::1%eth0')).to.equal('fe80:0:0:0::/64');
    expect(clientAddress('64:ff9b::203.0.113.7')).to.equal('64:ff9b:0:0::/64');
  });

  it('answers bad input with a sentence and the usage line', async () => {
    const sample = new SampleProcess(PATH, ['--points', 'many']);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(
      /^--points must be an integer from 1 to 1000000, got "many"\.\nUsage: npm/,
    );
  });
});

function request(url = ''): Promise<Answer> {
  return ask(`${url}/api/time`);
}

/** What is left after each of so many requests. */
async function remaining(url: string, count: number): Promise<number[]> {
  const left: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { status, headers } = await request(url);
    expect(status).to.equal(200);
    left.push(Number(/r=(\d+)/.exec(String(headers['ratelimit']))?.[1]));
  }
  return left;
}
