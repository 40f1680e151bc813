import { expect } from 'chai';
import type { Report } from '../../samples/output-cache/reports.js';
import type { SampleProcess } from '../support/sample-process.js';
import { ask } from './support/ask.js';
import { AzureEnvironment } from './support/azure-environment.js';

const RE_AUTHENTICATED = / re-authenticated/;

describe('samples/output-cache', () => {
  let environment: AzureEnvironment;
  let samples: SampleProcess[];
  let urls: string[];

  beforeEach(async () => {
    environment = await AzureEnvironment.start(6_000);
    // A busy machine may let a command wait for longer than a user would.
    const flags = ['--listen', '0', '--computation', '500', '--cache-timeout', '10000'];
    samples = [0, 1].map(() => environment.run('samples/output-cache/main.ts', ...flags));
    urls = await Promise.all(samples.map((sample) => sample.printed(/^(http:\S+)\/reports\/sales/m)));
  });

  afterEach(() => environment.stop());

  it('computes a report once for two processes, and again after an eviction, across token expiries', async () => {
    const reports = await Promise.all([...urls, ...urls, ...urls].map((url) => reportOf(url)));
    const [report] = reports;
    for (const other of reports) expect(other).to.deep.equal(report);
    expect(report?.computation).to.equal(1);

    for (const sample of samples) await sample.printed(RE_AUTHENTICATED, 2);
    for (const url of urls) expect(await reportOf(url)).to.deep.equal(report);

    const [first = '', second = ''] = urls;
    const evicted = await ask(`${first}/cache/tags/report:sales`, { method: 'DELETE' });
    expect(evicted.status).to.equal(204);
    const renewed = await reportOf(second);
    expect(renewed.computedAt > String(report?.computedAt)).to.equal(true);
    expect(await reportOf(first)).to.deep.equal(renewed);
    expect(environment.azure.statistics.evictions).to.deep.equal([]);
  });

  it('answers without the cache, and ends, when the cache goes away', async () => {
    const [url = ''] = urls;
    const [sample] = samples;
    await environment.azure.stop();
    const first = await reportOf(url);
    const second = await reportOf(url);
    expect([first.computation, second.computation]).to.deep.equal([1, 2]);
    const evicted = await ask(`${url}/cache/tags/report:sales`, { method: 'DELETE' });
    expect(evicted.status).to.equal(202);

    sample?.signal('SIGTERM');
    expect(await sample?.exitCode()).to.equal(0);
    expect(sample?.output).to.contain('The cache is not used: ');
  });
});

async function reportOf(url: string): Promise<Report> {
  // The name of the service, whichever process the load balancer chooses.
  const { status, body } = await ask(`${url}/reports/sales`, { headers: { Host: 'reports.example' } });
  expect(status).to.equal(200);
  return JSON.parse(body) as Report;
}
