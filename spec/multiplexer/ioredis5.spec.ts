import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

const HOOK = new URL('./support/use-ioredis5.js', import.meta.url).href;
const MOCHA = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));

/** The spec files whose promises depend on the version, in two groups of about the same duration, which run at the same time. */
const GROUPS = [
  ['expiries', 'connect', 'close'],
  ['replacement', 'cluster', 'shard-channels'],
];

/** How long a group may take, in ms. */
const LIMIT = 200_000;

interface Report {
  readonly stats: { readonly tests: number; readonly passes: number };
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

/** Runs a spec file in a process in which every import of ioredis gives version 5. */
async function mocha(names: readonly string[]): Promise<Report> {
  const specs = names.map((name) => fileURLToPath(new URL(`./${name}.spec.ts`, import.meta.url)));
  const settings = ['--no-config', '--reporter', 'json', '--timeout', '60000', '--forbid-pending'];
  const { stdout, stderr, killed }: Outcome = await run(
    process.execPath,
    ['--import', 'tsx', '--import', HOOK, MOCHA, ...settings, ...specs],
    { env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 26, timeout: LIMIT },
  ).catch((error: unknown) => error as Outcome);
  // A process that still runs after its last spec has left a handle open.
  expect(killed, `${names.join(', ')}: no end after ${LIMIT} ms`).not.to.equal(true);
  const report = /^\{[\s\S]*/m.exec(stdout)?.[0];
  expect(report, stderr).to.be.a('string');
  return JSON.parse(report ?? '') as Report;
}

describe('the multiplexer with ioredis 5', () => {
  const reports = new Map<readonly string[], Promise<Report>>();

  before(() => {
    for (const names of GROUPS) {
      const running = mocha(names);
      // Each spec awaits its own group.
      running.catch(() => undefined);
      reports.set(names, running);
    }
  });

  for (const names of GROUPS) {
    it(`passes every spec of ${names.join(', ')}`, async function () {
      this.timeout(LIMIT + 10_000);
      const { failures = [], stats } = (await reports.get(names)) ?? {};
      expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message ?? ''}`)).to.deep.equal([]);
      expect(stats?.passes).to.equal(stats?.tests).and.to.be.above(10);
    });
  }
});
