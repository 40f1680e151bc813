import { expect } from 'chai';
import { VERSION } from '../../lib/version.js';
import { CommandProcess } from './support/command-process.js';

describe('the command ioredis-azure', () => {
  it('prints its version', async () => {
    expect(await CommandProcess.run(['--version'])).to.deep.equal({
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: '',
    });
  });

  it('prints its help', async () => {
    const { code, stdout } = await CommandProcess.run(['--help']);
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/^Usage: ioredis-azure /)
      .and.include('emulator');
  });

  const mistakes = [
    { args: ['emulate'], message: "unknown command 'emulate'", usage: 'ioredis-azure [options] [command]' },
    { args: ['emulator', '--prot'], message: "unknown option '--prot'", usage: 'ioredis-azure emulator' },
  ];
  for (const { args, message, usage } of mistakes) {
    it(`answers ${args.join(' ')} with a sentence and a usage line`, async () => {
      const { code, stdout, stderr } = await CommandProcess.run(args);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.include(`ioredis-azure: ${message}`).and.include(`Usage: ${usage}`);
      expect(stderr.trim().split('\n').length).to.be.lessThan(4);
    });
  }
});
