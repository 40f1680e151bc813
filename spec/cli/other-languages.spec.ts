import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { until } from '../support/waiting.js';
import { EmulatorProcess } from './support/emulator-process.js';

const PYTHON_CLIENT = fileURLToPath(new URL('./support/python-client.py', import.meta.url));

describe('clients of other languages on ioredis-azure emulator', () => {
  let emulator: EmulatorProcess;
  before(async () => {
    emulator = await EmulatorProcess.start('--token-lifetime', '2s');
  });
  after(() => emulator.stop());

  describe('redis-cli', () => {
    /** Says something to a program, and resolves to what it answers. */
    async function ask(program: ChildProcess, line: string, answer: RegExp): Promise<string> {
      let output = '';
      const listener = (text: string): void => {
        output += text;
      };
      program.stdout?.on('data', listener);
      program.stdin?.write(`${line}\n`);
      await until(() => answer.test(output) || program.exitCode !== null);
      program.stdout?.off('data', listener);
      return output;
    }

    it('lives through an expiry by AUTH with a new token, and is evicted without', async () => {
      const { port, caFile } = emulator.description;
      const clientId = emulator.identity('user-assigned').clientId;
      const { objectId } = emulator.identity('user-assigned');
      const flags = ['--tls', '--cacert', caFile, '-h', 'localhost', '-p', String(port), '--user', objectId];
      const program = spawn('redis-cli', ['--no-auth-warning', ...flags], {
        env: { ...process.env, REDISCLI_AUTH: await emulator.acquireToken(clientId) },
      });
      program.stdout.setEncoding('utf8');
      const evictions = (): number =>
        emulator.activitiesOf('user-assigned managed identity', 'eviction').length;
      const before = evictions();
      const renewed = Date.now() + 2_500;
      expect(await ask(program, 'ACL WHOAMI', /\n/)).to.include(objectId);
      while (Date.now() < renewed) {
        await sleep(200);
        const token = await emulator.acquireToken(clientId);
        expect(await ask(program, `AUTH ${objectId} ${token}`, /\n/)).to.include('OK');
      }
      expect(await ask(program, 'PING', /\n/)).to.include('PONG');
      expect(evictions()).to.equal(before);
      await until(() => evictions() > before);
      const closed = once(program, 'close');
      program.stdin.end();
      await closed;
    });
  });

  describe('redis-py', () => {
    it('lives through an expiry by AUTH with new tokens, and is evicted without', async () => {
      const { description } = emulator;
      const { objectId } = emulator.identity('system-assigned');
      const python = await pythonWithRedis();
      const { stdout } = await promisify(execFile)(python, [PYTHON_CLIENT], {
        env: { ...process.env, ...description.environment, OBJECT_ID: objectId },
      });
      expect(stdout).to.equal('login\nalive\nevicted\n');
    });
  });
});

/** The Python that has the package redis, where scripts/ensure-redis-clients.sh looks for it. */
async function pythonWithRedis(): Promise<string> {
  for (const python of [process.env['PYTHON'] ?? 'python3', '/usr/bin/python3']) {
    try {
      await promisify(execFile)(python, ['-c', 'import redis']);
      return python;
    } catch {
      // It is looked for in the next one.
    }
  }
  throw new Error('No Python has the package redis: run `npm run ensure-redis-clients`.');
}
