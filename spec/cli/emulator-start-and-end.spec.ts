import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { environmentText } from '../../cli/emulator/environment.js';
import { freePort } from '../../emulator/ports.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { until } from '../support/waiting.js';
import { CommandProcess, MAIN } from './support/command-process.js';
import { EmulatorProcess } from './support/emulator-process.js';
import { processesOf } from './support/processes.js';

/** Resolves when neither the folder of an emulator nor a process of it is left. */
async function nothingIsLeft(folder: string): Promise<void> {
  await until(async () => !existsSync(folder) && (await processesOf(folder)).length === 0);
}

describe('the start and end of ioredis-azure emulator', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'emulator-spec-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('ends at once and leaves nothing behind after Ctrl+C and SIGTERM while it starts', async () => {
    const temporary = await mkdtemp(join(folder, 'starting-'));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const command = new CommandProcess(['emulator', '--cluster', '4x1', '--port', '0'], {
        TMPDIR: temporary,
      });
      await until(async () => (await processesOf(temporary)).some((line) => line.includes('redis-server')));
      const began = performance.now();
      command.kill(signal);
      const { code, stdout } = await command.ended();
      expect({ code, stdout }).to.deep.equal({ code: 0, stdout: '' });
      expect(performance.now() - began).to.be.below(10_000);
      expect(await processesOf(temporary)).to.deep.equal([]);
      expect(await readdir(temporary)).to.deep.equal([]);
    }
  });

  it('leaves nothing behind after Ctrl+C', async () => {
    const environmentFile = join(folder, 'ctrl-c.env');
    const emulator = await EmulatorProcess.start('--env', environmentFile);
    const temporary = dirname(emulator.description.caFile);
    expect((await processesOf(temporary)).length).to.be.greaterThan(1);
    expect(existsSync(environmentFile)).to.equal(true);
    const { code, stderr } = await emulator.stop();
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(await processesOf(temporary)).to.deep.equal([]);
    expect([existsSync(temporary), existsSync(environmentFile)]).to.deep.equal([false, false]);
  });

  it('leaves nothing behind after SIGKILL', async () => {
    const environmentFile = join(folder, 'killed.env');
    const emulator = await EmulatorProcess.start('--env', environmentFile);
    emulator.process.kill('SIGKILL');
    await emulator.process.ended();
    await nothingIsLeft(dirname(emulator.description.caFile));
    expect(existsSync(environmentFile)).to.equal(false);
  });

  for (const background of [false, true]) {
    const outcome = background ? 'survives its parent with --background' : 'ends when its parent is killed';
    it(outcome, async () => {
      const flags = ['emulator', '--json', '--port', '0', ...(background ? ['--background'] : [])];
      const shell = spawn('/bin/sh', ['-c', '"$@" & wait', 'sh', process.execPath, MAIN, ...flags], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      await until(() => output.includes('\n'));
      const { pid, port, caFile } = JSON.parse(output.split('\n')[0] ?? '') as {
        pid: number;
        port: number;
        caFile: string;
      };
      shell.kill('SIGKILL');
      await once(shell, 'exit');
      if (background) {
        const { code } = await CommandProcess.run(['emulator', 'fail', 'drop', '--port', String(port)]);
        expect(code).to.equal(0);
        process.kill(pid, 'SIGTERM');
      }
      await nothingIsLeft(dirname(caFile));
    });
  }

  it('makes the file of --env private, in place of one that others can read and of a symbolic link', async () => {
    const old = join(folder, 'old.env');
    await writeFile(old, '# Written by ioredis-azure emulator, which removes it when it ends.\n', {
      mode: 0o644,
    });
    const link = join(folder, 'link.env');
    await symlink(old, link);
    const emulator = await EmulatorProcess.start('--env', link);
    const stats = await lstat(link);
    expect([stats.isFile(), stats.mode & 0o777]).to.deep.equal([true, 0o600]);
    expect(await readFile(old, 'utf8')).to.not.include('REDIS_HOST');
    await emulator.stop();
  });

  it('quotes the values of --env for the shell', async () => {
    const file = join(folder, 'quoted.env');
    const value = `it's "$HOME" \`id\` \\ & a\nline`;
    await writeFile(file, environmentText({ VALUE: value }));
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `. '${file}' && printf %s "$VALUE"`]);
    expect(stdout).to.equal(value);
  });

  it('warns that it serves whoever reaches it, if it listens beyond this machine', async () => {
    const emulator = await EmulatorProcess.start('--bind', '0.0.0.0');
    const { stderr } = await emulator.stop();
    expect(stderr).to.match(/--bind 0\.0\.0\.0 .*tokens of these identities/);
  });

  describe('what the system refuses has exit code 1', () => {
    const failures: [what: string, args: () => Promise<string[]>, message: RegExp][] = [
      [
        'a port in use',
        () => Promise.resolve(['--port', String(busy.port)]),
        /Port \d+ of 127\.0\.0\.1 .*: it is in use\.\n.*--port/,
      ],
      [
        'an upstream that cannot be reached',
        async () => [
          '--port',
          '0',
          '--upstream',
          `localhost:${await freePort()}`,
          '--upstream-password',
          'x',
        ],
        /The --upstream localhost:\d+ cannot be used: .*ECONNREFUSED.*\n.*--upstream-password/,
      ],
      [
        'a file of --env that cannot be written',
        () => Promise.resolve(['--port', '0', '--env', join(folder, 'no', 'such', 'folder')]),
        /The file of --env cannot be written/,
      ],
    ];
    let busy: RedisOnTcp;
    before(async () => {
      busy = await RedisOnTcp.start();
    });
    after(() => busy.stop());

    for (const [what, args, message] of failures) {
      it(what, async () => {
        const { code, stdout, stderr } = await CommandProcess.run(['emulator', ...(await args())]);
        expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
        expect(stderr).to.match(message);
      });
    }
  });

  it('names the versions of redis-server that it found', async () => {
    const { code, stderr } = await CommandProcess.run(['emulator', '--redis-version', '99']);
    expect(code).to.equal(1);
    expect(stderr).to.match(/No redis-server of version 99 was found; found: \d+\.\d+\.\d+ \(/);
  });

  it('reports why it cannot start as JSON', async () => {
    const { code, stdout } = await CommandProcess.run(['emulator', '--redis-version', '99', '--json']);
    expect(code).to.equal(1);
    expect(JSON.parse(stdout)).to.have.nested.property('error.code', 'MISSING_DEPENDENCY');
  });
});
