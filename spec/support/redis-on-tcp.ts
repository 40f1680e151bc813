import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { freePort } from '../../emulator/ports.js';

/** A running redis-server, on a port, with a password. */
export class RedisOnTcp {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly password: string;
  readonly #child: ChildProcess;

  private constructor(port: number, password: string, child: ChildProcess) {
    this.port = port;
    this.password = password;
    this.#child = child;
  }

  /** @param more Its port, if it has to be a certain one, and more arguments of redis-server. */
  static async start(
    password: string = randomUUID(),
    more: { readonly port?: number; readonly args?: readonly string[] } = {},
  ): Promise<RedisOnTcp> {
    for (;;) {
      const port = more.port ?? (await freePort());
      const child = spawn(
        process.env['REDIS_SERVER'] ?? 'redis-server',
        [
          '--port',
          `${port}`,
          '--bind',
          '127.0.0.1',
          '--requirepass',
          password,
          '--save',
          '',
          '--dir',
          tmpdir(),
          ...(more.args ?? []),
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      const started = await new Promise<boolean>((resolve) => {
        child.stdout.on('data', (text: Buffer) => {
          if (/ready to accept connections/i.test(text.toString())) resolve(true);
        });
        // Another process has taken the port in the meantime: try another one.
        child.once('exit', () => {
          resolve(false);
        });
      });
      if (started) return new RedisOnTcp(port, password, child);
    }
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
