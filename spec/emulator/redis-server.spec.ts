import { expect } from 'chai';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AzureRedisEmulator } from '../../emulator/index.js';
import { tokenOf } from '../support/raw-cache.js';
import { RawClient } from '../support/raw-client.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { rejection } from '../support/rejection.js';
import { until } from '../support/waiting.js';

describe('AzureRedisEmulator: its redis-server', () => {
  describe('that does not run', () => {
    const { REDIS_SERVER: given } = process.env;

    afterEach(() => {
      if (given === undefined) delete process.env['REDIS_SERVER'];
      else process.env['REDIS_SERVER'] = given;
    });

    for (const [program, reason] of [
      ['/no/such/redis-server', 'it was not found'],
      ['/bin/false', 'it exited without a log line'],
      ['/bin/cat', /cat/],
    ] as const) {
      it(`is named in the error, with a remedy: ${program}`, async () => {
        process.env['REDIS_SERVER'] = program;
        const error = await rejection(AzureRedisEmulator.start());
        expect(error).to.include({ code: 'MISSING_DEPENDENCY' });
        expect(error.message).to.contain(program).and.match(new RegExp(reason));
        expect(error.hint).to.contain('apt-get install redis-server').and.contain('REDIS_SERVER');
        expect(await folders()).to.not.contain(program);
      });
    }
  });

  /** The folders of servers that run. */
  async function folders(): Promise<string[]> {
    const names = await readdir(tmpdir());
    return names.filter((name) => name.startsWith('ioredis-azure-'));
  }

  /** The processes of servers, and of who watches over them. */
  async function processes(folder: string): Promise<string[]> {
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args']);
    return stdout.split('\n').filter((line) => line.includes(folder));
  }

  async function folderOf(azure: AzureRedisEmulator): Promise<string> {
    const [, folder] = (await azure.server.call('CONFIG', 'GET', 'dir')) as [string, string];
    return folder;
  }

  it('leaves no process and no folder when it is stopped', async () => {
    const azure = await AzureRedisEmulator.start();
    const folder = await folderOf(azure);
    expect(await processes(folder)).to.have.lengthOf(2);
    await azure.stop();
    expect(await processes(folder)).to.deep.equal([]);
    expect(await folders()).to.not.contain(folder.replace(/.*\//, ''));
  });

  for (const end of ['process.exit()', "throw new Error('crash')", "process.kill(process.pid, 'SIGKILL')"]) {
    it(`leaves neither when the process ends by ${end}`, async () => {
      const index = fileURLToPath(new URL('../../emulator/index.ts', import.meta.url));
      const program = `
        const { AzureRedisEmulator } = await import(${JSON.stringify(index)});
        const azure = await AzureRedisEmulator.start();
        const [, folder] = await azure.server.call('CONFIG', 'GET', 'dir');
        process.stdout.write(folder, () => { ${end} });`;
      const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const closed = once(child, 'close');
      let folder = '';
      child.stdout.on('data', (text: Buffer) => {
        folder += text.toString();
      });
      await closed;
      expect(folder).to.contain('ioredis-azure-');
      // Nobody is left to tell that the last of them has ended.
      await until(async () => (await processes(folder)).length === 0);
      await until(async () => !(await folders()).some((name) => folder.endsWith(name)));
    });
  }

  it('can be a running one, which is left unchanged', async () => {
    const redis = await RedisOnTcp.start();
    try {
      const azure = await AzureRedisEmulator.start({ upstream: redis });
      const { credential } = azure.options;
      const client = await RawClient.connect(azure);
      client.command('GET', 'key');
      client.command('AUTH', credential.oid, await tokenOf(credential));
      client.command('SET', 'key', 'value');
      await client.expect('-NOAUTH Authentication required.\r\n+OK\r\n+OK\r\n');
      expect(await azure.server.call('ACL', 'USERS')).to.have.members(['default', credential.oid]);
      await azure.stop();
      client.destroy();

      const direct = await RawClient.connect(redis);
      direct.command('AUTH', redis.password);
      direct.command('ACL', 'USERS');
      direct.command('GET', 'key');
      await direct.expect('+OK\r\n*1\r\n$7\r\ndefault\r\n$5\r\nvalue\r\n');
      direct.destroy();
    } finally {
      await redis.stop();
    }
  });

  it('closes the connections of clients when it ends', async () => {
    const redis = await RedisOnTcp.start();
    const azure = await AzureRedisEmulator.start({ upstream: redis });
    const client = await RawClient.connect(azure);
    client.command('AUTH', azure.accessKey);
    await client.expect('+OK\r\n');
    await redis.stop();
    await client.ended();
    const other = await RawClient.connect(azure);
    await other.ended();
    await azure.stop();
    client.destroy();
    other.destroy();
  });

  it('is rejected as an upstream without a password, with another password, or if it is not running', async () => {
    const redis = await RedisOnTcp.start();
    const { host, port, password } = redis;
    const wrong = await rejection(AzureRedisEmulator.start({ upstream: { host, port, password: 'secret' } }));
    expect(wrong).to.include({ code: 'INVALID_OPTION' });
    expect(wrong.message).to.contain(`${host}:${port}`).and.contain('WRONGPASS').and.not.contain('secret');
    await redis.stop();

    const missing = await rejection(AzureRedisEmulator.start({ upstream: { host, port, password } }));
    expect(missing.message).to.contain('ECONNREFUSED');

    const open = await RedisOnTcp.start('');
    const insecure = await rejection(AzureRedisEmulator.start({ upstream: open }));
    expect(insecure.message).to.contain('its default user has no password');
    await open.stop();
  });
});
