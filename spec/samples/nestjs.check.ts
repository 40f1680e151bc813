import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { SampleProcess } from '../support/sample-process.js';

const MAIN = 'samples/nestjs/main.ts';
/** NestJS needs decorators of TypeScript, not of ECMAScript. */
const ENVIRONMENT = { TSX_TSCONFIG_PATH: 'samples/nestjs/tsconfig.json' };

describe('samples/nestjs', () => {
  it('serves requests across expiries, and disconnects on SIGTERM', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', '0'], ENVIRONMENT);
    try {
      const url = await sample.printed(/curl -X POST (http\S+)\/visits/);
      const tokens = new Set<string>();
      let visits = 0;
      while (tokens.size < 3) {
        visits += 1;
        const response = await fetch(`${url}/visits/home`, { method: 'POST' });
        expect(await response.json()).to.deep.equal({ page: 'home', visits });
        const health = await fetch(`${url}/health`);
        expect(health.status).to.equal(200);
        tokens.add(((await health.json()) as { expiresOn: string }).expiresOn);
      }
      expect((await fetch(`${url}/visits/No%20page`, { method: 'POST' })).status).to.equal(400);
    } finally {
      await sample.stop();
    }
    expect(await sample.exitCode()).to.equal(0);
    expect(sample.output).to.contain('Disconnected');
    expect(sample.output).to.match(/The cache counted: connections 1, tokens \d+, evictions 0\n/);
  });

  it('passes its Jest tests', async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [
      'node_modules/jest/bin/jest.js',
      '--config',
      'samples/nestjs/package.json',
    ]);
    expect(stderr).to.match(/Tests: +3 passed, 3 total/);
    expect(stderr).not.to.contain('did not exit');
  });

  it('says what is wrong with its input', async () => {
    const sample = new SampleProcess(MAIN, ['--listen', '-1'], ENVIRONMENT);
    expect(await sample.exitCode()).to.equal(2);
    expect(sample.output).to.match(/\nUsage: .*\n$/);
  });
});
