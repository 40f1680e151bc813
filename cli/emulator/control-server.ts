import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { isDuration } from '../../lib/validation.js';
import type { ControlReply } from './control-protocol.js';
import { type Faults, isLastingFault } from './faults.js';

/** In characters. */
const LONGEST_REQUEST = 10_000;

/** Takes the requests of `fail` and `recover`, on a socket that only this user can open. */
export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(faults: Faults) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // A terminal that has ended needs no reply.
      socket.on('error', () => undefined);
      let received = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        received += text;
        const end = received.indexOf('\n');
        if (end === -1 && received.length < LONGEST_REQUEST) return;
        socket.removeAllListeners('data').resume();
        socket.end(`${JSON.stringify(answer(faults, received.slice(0, end)))}\n`);
      });
    });
  }

  static async listen(path: string, faults: Faults): Promise<ControlServer> {
    const control = new ControlServer(faults);
    control.#server.listen(path);
    await once(control.#server, 'listening');
    return control;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function answer(faults: Faults, line: string): ControlReply {
  const { action, fault, duration } = fieldsOf(line);
  const isFault = typeof fault === 'string' && isLastingFault(fault);
  if (action === 'drop') return { dropped: faults.drop() };
  if (action === 'fail' && isFault && (duration === undefined || isDuration(duration))) {
    faults.begin(fault, duration);
    return {};
  }
  if (action === 'recover' && (isFault || fault === undefined)) return { ended: faults.end(fault) };
  return { error: 'The request is not a known one.' };
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return { ...(typeof value === 'object' && value) };
  } catch {
    return {};
  }
}
