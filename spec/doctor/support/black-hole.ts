import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Listens, and accepts no connection: its only thread sleeps. */
const LISTENER = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    require('node:fs').writeSync(1, String(server.address().port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

/** The time after which a connection of this machine would have been open, in ms. */
const SILENCE = 1_000;

/** A port that drops the packets of new connections, as a firewall does: its queue of connections is full. */
export class BlackHole {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #queued: Socket[] = [];

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async open(): Promise<BlackHole> {
    const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const hole = new BlackHole(Number(port.toString()), child);
    while (await hole.#queueOne()) {
      // The queue of the kernel is not full yet.
    }
    return hole;
  }

  async close(): Promise<void> {
    for (const socket of this.#queued) socket.destroy();
    this.#child.kill('SIGKILL');
    await once(this.#child, 'close');
  }

  async #queueOne(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    this.#queued.push(socket);
    return Promise.race([once(socket, 'connect').then(() => true), sleep(SILENCE, false)]);
  }
}
