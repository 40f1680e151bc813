import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

describe('a token or an access key', () => {
  it('is in no debug output, trace, event, error, log, or inspected object', async () => {
    const { stderr } = await run(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('./support/debugging-client.ts', import.meta.url))],
      { env: { ...process.env, DEBUG: '*', NODE_DEBUG: 'redis' }, maxBuffer: 512 * 1024 * 1024 },
    );
    const [shown = '', list = ''] = stderr.split('SECRETS\n');
    const [accessKey = '', ...tokens] = list.trim().split('\n');
    expect(accessKey).to.have.length.above(20);
    expect(tokens.length).to.be.above(3);
    // What is searched does speak of logins, and of failures of every kind.
    for (const said of [
      /write command.*auth/,
      /<hidden by ioredis-azure>/,
      /WRONGPASS/,
      /ioredis-azure:authenticator.* tokenRefreshed/,
      /ioredis-azure:token-refresh asyncEnd/,
      /ioredis-azure:token-refresh error/,
      /ioredis-azure:reauthentication asyncEnd/,
      /no: <token>/,
      /"msg":"multiplexer"/,
      /"message":"multiplexer"/,
    ]) {
      expect(said.test(shown), `the output tells of ${said.source}`).to.equal(true);
    }
    for (const token of tokens) expect(token).to.match(/^eyJ/);
    const leaked = [accessKey, ...tokens].filter((secret) => shown.includes(secret));
    expect(leaked).to.have.length(0);
  });
});
