import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const HOOK = new URL('./support/use-ioredis5.js', import.meta.url).href;
const MOCHA = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));

/** The specs that connect, in halves that take about as long: they mostly wait, and so run at once. */
const HALVES = [
  ['expiries', 'connect', 'close', 'maintenance'],
  ['replacement', 'cluster', 'subscribe'],
];

/** How long each of them may take, in ms. */
const LIMIT = 200_000;

interface Report {
  readonly stats: { readonly passes: number };
  readonly failures: readonly {
    readonly fullTitle: string;
    readonly err: { readonly message?: string };
  }[];
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly killed?: boolean;
}

async function runWithIoredis5(names: readonly string[]): Promise<Report> {
  const specs = names.map((name) => fileURLToPath(new URL(`./${name}.spec.ts`, import.meta.url)));
  const settings = ['--no-config', '--reporter', 'json', '--timeout', '60000'];
  const { stdout, stderr, killed }: Outcome = await run(
    process.execPath,
    ['--import', 'tsx', '--import', HOOK, MOCHA, ...settings, ...specs],
    { env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 26, timeout: LIMIT },
  ).catch((error: unknown) => error as Outcome);
  // A process that still runs after its last spec has left something open.
  expect(killed, `${names.join(', ')}: no end after ${LIMIT} ms`).not.to.equal(true);
  const report = /^\{[\s\S]*/m.exec(stdout)?.[0];
  expect(report, stderr).to.be.a('string');
  return JSON.parse(report ?? '') as Report;
}

describe('the multiplexer with ioredis 5', () => {
  it('passes the same specs', async function () {
    this.timeout(LIMIT + 10_000);
    const reports = await Promise.all(HALVES.map(runWithIoredis5));
    const failures = reports.flatMap((report) => report.failures);
    expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message ?? ''}`)).to.deep.equal([]);
    for (const { stats } of reports) expect(stats.passes).to.be.above(20);
  });
});
