import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RawClient } from '../support/raw-client.js';
import { RedisOnTcp } from '../support/redis-on-tcp.js';
import { CommandProcess } from './support/command-process.js';
import { EmulatorProcess } from './support/emulator-process.js';

const LIBRARY = fileURLToPath(new URL('../../lib/index.ts', import.meta.url));
const CHILD = fileURLToPath(new URL('./support/azure-identity-child.ts', import.meta.url));

async function loginByKey({ description }: EmulatorProcess): Promise<{ client: RawClient; reply: string }> {
  const { port, caFile, accessKey } = description;
  const client = await RawClient.connect({ host: 'localhost', port, ca: await readFile(caFile, 'utf8') });
  client.command('AUTH', 'default', accessKey);
  return { client, reply: await client.line() };
}

describe('ioredis-azure emulator', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'emulator-spec-'));
  });
  after(() => rm(folder, { recursive: true }));

  describe('with defaults', () => {
    let emulator: EmulatorProcess;
    let environmentFile: string;
    before(async () => {
      environmentFile = join(folder, 'default.env');
      emulator = await EmulatorProcess.start('--name', 'first', '--env', environmentFile);
    });
    after(() => emulator.stop());

    it('describes how to connect', () => {
      const { identities, ...description } = emulator.description;
      expect(description).to.include({
        name: 'first',
        host: 'localhost',
        product: 'managed',
        role: 'default',
        tokenLifetime: 3_600_000,
        environmentFile,
      });
      expect(identities.map(({ kind }) => kind)).to.deep.equal([
        'system-assigned',
        'user-assigned',
        'client-secret',
        'user',
      ]);
    });

    it('keeps its secrets from other users', async () => {
      for (const path of [environmentFile, emulator.description.caFile]) {
        expect((await stat(path)).mode & 0o077).to.equal(0);
      }
      expect((await stat(dirname(emulator.description.caFile))).mode & 0o077).to.equal(0);
    });

    it('writes an environment in which @azure/identity logs in with each identity', async () => {
      const [secret, user] = [emulator.identity('client-secret'), emulator.identity('user-assigned')];
      const settings = JSON.stringify({ ...secret, userAssigned: user.clientId });
      const command = `. '${environmentFile}' && exec "$0" --import tsx "$1" "$2"`;
      const child = spawn('/bin/sh', ['-c', command, process.execPath, CHILD, settings], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      await once(child, 'close');
      expect(JSON.parse(output)).to.deep.equal({
        DefaultAzureCredential: emulator.identity('system-assigned').objectId,
        ManagedIdentityCredential: emulator.identity('system-assigned').objectId,
        'ManagedIdentityCredential, user-assigned': user.objectId,
        ClientSecretCredential: secret.objectId,
      });
      const logins = await emulator.happened('login', 4);
      expect(new Set(logins.map((login) => 'identity' in login && login.identity))).to.deep.equal(
        new Set(['system-assigned managed identity', 'user-assigned managed identity', 'service principal']),
      );
    });

    it('fails as a second terminal says, until it recovers', async () => {
      const begin = await emulator.control('fail', 'logins');
      expect(begin).to.deep.equal({
        code: 0,
        stdout: 'Emulator first fails: logins, until `recover`.\n',
        stderr: '',
      });
      const refused = await loginByKey(emulator);
      expect(refused.reply).to.match(/^-WRONGPASS/);
      refused.client.destroy();
      const end = await emulator.control('recover', '--json');
      expect(JSON.parse(end.stdout)).to.deep.include({ name: 'first', action: 'recover', ended: ['logins'] });
      const accepted = await loginByKey(emulator);
      expect(accepted.reply).to.equal('+OK');
      accepted.client.destroy();
    });

    it('ends a fault after the time given', async () => {
      const { IDENTITY_ENDPOINT = '', IDENTITY_HEADER = '' } = emulator.description.environment;
      const ask = (): Promise<number> =>
        fetch(`${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=https://redis.azure.com`, {
          headers: { 'X-IDENTITY-HEADER': IDENTITY_HEADER },
        }).then(
          ({ status }) => status,
          () => 0,
        );
      expect(await ask()).to.equal(200);
      const fault = await emulator.control('fail', 'identity', '--for', '1s', '--json');
      expect(JSON.parse(fault.stdout)).to.include({ action: 'fail', fault: 'identity', duration: 1_000 });
      await emulator.happened('recovery', 2);
      expect(await ask()).to.equal(200);
      const [, began] = await emulator.happened('fault', 2);
      expect(began).to.include({ fault: 'identity', duration: 1_000 });
    });

    it('refuses HELLO only, on request', async () => {
      await emulator.control('fail', 'hello');
      const { client, reply } = await loginByKey(emulator);
      expect(reply).to.equal('+OK');
      client.command('HELLO', '2', 'AUTH', 'default', emulator.description.accessKey);
      expect(await client.line()).to.match(/^-WRONGPASS/);
      client.destroy();
      expect((await emulator.control('recover', 'hello')).stdout).to.include('recovered: hello');
    });

    it('drops every connection on request', async () => {
      const { client } = await loginByKey(emulator);
      const { stdout } = await emulator.control('fail', 'drop');
      expect(stdout).to.match(/^\d+ connection\(s\) of emulator first closed/);
      await client.ended();
      client.destroy();
    });

    it('is selected by its name, or by its port, among several', async () => {
      const second = await EmulatorProcess.start('--name', 'second');
      const ambiguous = await CommandProcess.run(['emulator', 'fail', 'drop']);
      expect(ambiguous.code).to.equal(1);
      expect(ambiguous.stderr).to.include('select one with --name or --port').and.include('first (port ');
      const byName = await CommandProcess.run(['emulator', 'fail', 'drop', '--name', 'second']);
      expect(byName.stdout).to.include('emulator second');
      await second.stop();
      const gone = await second.control('recover');
      expect(gone).to.include({ code: 1, stdout: '' });
      expect(gone.stderr).to.include('No such emulator runs.');
    });

    it('refuses a control request that is not a known one', async () => {
      const path = join(dirname(emulator.description.caFile), 'control.sock');
      const requests = [
        'null',
        '5',
        '{}',
        'fail',
        '{"action":"fail","fault":"toString"}',
        'x'.repeat(20_000),
      ];
      for (const request of requests) {
        const socket = connect(path).on('error', () => undefined);
        socket.write(`${request}\n`);
        expect(JSON.parse(await text(socket)), request).to.have.property('error');
      }
      const { code } = await emulator.control('recover');
      expect(code).to.equal(0);
    });

    it('does not replace a file of --env that another program wrote', async () => {
      const file = join(folder, 'mine.env');
      await writeFile(file, 'KEY=1\n');
      const { code, stderr } = await CommandProcess.run(['emulator', '--port', '0', '--env', file]);
      expect(code).to.equal(2);
      expect(stderr).to.include('--env exists');
      expect(await readFile(file, 'utf8')).to.equal('KEY=1\n');
    });
  });

  it('fronts a Redis that runs already', async () => {
    const upstream = await RedisOnTcp.start('secret');
    const emulator = await EmulatorProcess.start(
      '--upstream',
      `127.0.0.1:${upstream.port}`,
      '--upstream-password',
      'secret',
    );
    const { client, reply } = await loginByKey(emulator);
    expect(reply).to.equal('+OK');
    client.destroy();
    await emulator.stop();
    await upstream.stop();
  });

  it('runs a cluster, of a version, for Azure Cache for Redis', async () => {
    const flags = ['--cluster', '2x0', '--product', 'cache', '--redis-version', '7'];
    const emulator = await EmulatorProcess.start(...flags);
    expect(emulator.description).to.deep.include({
      cluster: { masters: 2, replicas: 0 },
      product: 'cache',
    });
    expect(emulator.description.redisVersion).to.match(/^7\./);
    const { client } = await loginByKey(emulator);
    client.command('CLUSTER', 'INFO');
    await client.line();
    expect(await client.line()).to.equal('cluster_state:ok');
    client.destroy();
    await emulator.stop();
  });

  it('writes a service principal that configureForAzure() finds, with the role given', async () => {
    const environmentFile = join(folder, 'principal.env');
    const flags = [
      '--env',
      environmentFile,
      '--env-identity',
      'service-principal',
      '--role',
      '+@read +@connection ~*',
    ];
    const emulator = await EmulatorProcess.start(...flags);
    const program = `
      const { readFileSync } = await import('node:fs');
      const { Redis } = await import('ioredis');
      const { configureForAzure } = await import(${JSON.stringify(LIBRARY)});
      const { REDIS_HOST: host, REDIS_PORT: port, REDIS_CA_FILE: file } = process.env;
      const tls = { ca: readFileSync(file, 'utf8') };
      const redis = new Redis(await configureForAzure({ host, port: Number(port), tls }));
      const refusal = await redis.set('key', 'value').catch(({ message }) => message);
      console.log(await redis.call('ACL', 'WHOAMI'), refusal);
      await redis.quit();`;
    const command = `. '${environmentFile}' && exec "$0" --import tsx --input-type=module -e "$1"`;
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command, process.execPath, program]);
    expect(stdout).to.match(new RegExp(`^${emulator.identity('client-secret').objectId} NOPERM`));
    await emulator.stop();
  });
});
