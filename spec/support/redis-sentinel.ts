import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../emulator/ports.js';

/** A running Redis Sentinel that names one master. */
export class RedisSentinel {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
  }

  /** Starts a sentinel whose master `name` is at this port of 127.0.0.1; it never considers the master down. */
  static async start(name: string, masterPort: number): Promise<RedisSentinel> {
    const folder = await mkdtemp(join(tmpdir(), 'sentinel-'));
    const configuration = join(folder, 'sentinel.conf');
    for (;;) {
      const port = await freePort();
      const lines = [
        `port ${port}`,
        'bind 127.0.0.1',
        `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
        `sentinel down-after-milliseconds ${name} 86400000`,
      ];
      await writeFile(configuration, `${lines.join('\n')}\n`);
      const child = spawn(process.env['REDIS_SERVER'] ?? 'redis-server', [configuration, '--sentinel'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const isStarted = await new Promise<boolean>((resolve) => {
        child.stdout.on('data', (text: Buffer) => {
          if (text.includes('+monitor')) resolve(true);
        });
        // Another process has taken the port in the meantime: try another one.
        child.once('exit', () => {
          resolve(false);
        });
      });
      if (isStarted) return new RedisSentinel(port, folder, child);
    }
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    await rm(this.#folder, { recursive: true });
  }
}
