import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

describe('a token', () => {
  it("is in no debug output or trace of ioredis', no error, and no inspected client", async function () {
    this.timeout(30_000);
    const { stderr } = await run(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('support/debugging-client.ts', import.meta.url))],
      { env: { ...process.env, DEBUG: '*' }, maxBuffer: 64 * 1024 * 1024 },
    );
    const [shown = '', list = ''] = stderr.split('TOKENS\n');
    const tokens = list.trim().split('\n');
    expect(tokens.length).to.be.above(3);
    // What is searched does speak of logins.
    expect(shown)
      .to.match(/write command.*auth/)
      .and.to.contain('<hidden>')
      .and.to.contain('WRONGPASS');
    for (const token of tokens) {
      expect(token).to.match(/^eyJ/);
      expect(shown).not.to.contain(token);
    }
  });
});
