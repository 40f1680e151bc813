import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { addressOf, networkOf } from '../../samples/rate-limit/client-address.js';
import { SampleProcess } from '../support/sample-process.js';
import { type Answer, ask } from './support/ask.js';
import { AzureEnvironment } from './support/azure-environment.js';

const PATH = 'samples/rate-limit/main.ts';
const URL = /(http:\S+)\/api\/time/;
// A busy machine may let a command wait for longer than a user would.
const FLAGS = ['--listen', '0', '--points', '20', '--duration', '600', '--cache-timeout', '10000'];

describe('samples/rate-limit', () => {
  describe('on the emulator', () => {
    it('counts exactly across token expiries, and refuses what is too much', async () => {
      const sample = new SampleProcess(PATH, FLAGS);
      try {
        const url = await sample.printed(URL);
        expect(await remaining(url, 10)).to.deep.equal([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
        // The token with which the connection logged in.
        await sleep(5_000);
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
      const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => request(urls[index % 2])));
      expect(answers.filter(({ status }) => status === 200)).to.have.length(20);
      expect(answers.filter(({ status }) => status === 429)).to.have.length(10);
    });

    it('counts in each process when the cache goes away', async () => {
      const sample = environment.run(PATH, ...FLAGS);
      const url = await sample.printed(URL);
      expect(await remaining(url, 2)).to.deep.equal([19, 18]);
      await environment.azure.stop();
      await sample.printed(/requests are counted in this process/);
      expect(await remaining(url, 20)).to.deep.equal(Array.from({ length: 20 }, (_, index) => 19 - index));
      expect((await request(url)).status).to.equal(429);

      sample.signal('SIGTERM');
      expect(await sample.exitCode()).to.equal(0);
    });
  });

  for (const [proxy, text, network] of [
    ['none', '203.0.113.7', '203.0.113.7'],
    ['none, on a socket of both versions', '::ffff:203.0.113.7', '203.0.113.7'],
    ['none', 'fe80::1%eth0', 'fe80::/64'],
    ['Application Gateway', '203.0.113.7:50123', '203.0.113.7'],
    ['App Service', '[2001:db8:1:2:3:4:5:6]:50123', '2001:db8:1:2::/64'],
    ['Front Door', '2001:DB8:1:0002::9', '2001:db8:1:2::/64'],
    ['Front Door', ' 203.0.113.7', '203.0.113.7'],
    ['a client that makes it up', 'unknown, or 1', 'unknown'],
    ['a client that makes it up', '1', 'unknown'],
  ] as const) {
    it(`counts ${text} as ${network} (proxy: ${proxy})`, () => {
      expect(networkOf(text)).to.equal(network);
    });
  }

  it('shows addresses in their usual form', () => {
    expect(addressOf('[2001:DB8:0::1]:443')).to.equal('2001:db8::1');
    expect(addressOf('203.0.113.7:50123')).to.equal('203.0.113.7');
    expect(addressOf('')).to.equal(undefined);
  });

  it('counts the connections of one client of Application Gateway together', async () => {
    const sample = new SampleProcess(PATH, [...FLAGS, '--proxies', '1', '--points', '5']);
    try {
      const url = await sample.printed(URL);
      const ports = Array.from({ length: 8 }, (_, index) => 50_000 + index);
      const statuses = [];
      for (const port of ports) {
        const headers = { 'X-Forwarded-For': `198.51.100.9, 203.0.113.7:${port}` };
        statuses.push((await ask(`${url}/api/time`, { headers })).status);
      }
      expect(statuses).to.deep.equal([200, 200, 200, 200, 200, 429, 429, 429]);
    } finally {
      await sample.stop();
    }
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
