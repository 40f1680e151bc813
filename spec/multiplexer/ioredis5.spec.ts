import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const HOOK = new URL('./support/use-ioredis5.js', import.meta.url).href;
const MOCHA = fileURLToPath(import.meta.resolve('mocha/bin/mocha.js'));

/** The specs that connect. */
const SPECS = ['close', 'cluster', 'connect', 'expiries', 'maintenance', 'replacement', 'subscribe'].map(
  (name) => fileURLToPath(new URL(`./${name}.spec.ts`, import.meta.url)),
);

describe('the multiplexer with ioredis 5', () => {
  it('passes the same specs', async function () {
    this.timeout(120_000);
    const result = await run(
      process.execPath,
      [
        '--import',
        'tsx',
        '--import',
        HOOK,
        MOCHA,
        '--no-config',
        '--reporter',
        'json',
        '--timeout',
        '20000',
        ...SPECS,
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 26 },
    ).catch((error: unknown) => error as { stdout: string; stderr: string });
    const report = /^\{[\s\S]*/m.exec(result.stdout)?.[0];
    expect(report, result.stderr).to.be.a('string');
    const { stats, failures } = JSON.parse(report ?? '') as {
      stats: { passes: number };
      failures: { fullTitle: string; err: { message?: string } }[];
    };
    expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message ?? ''}`)).to.deep.equal([]);
    expect(stats.passes).to.be.above(40);
  });
});
