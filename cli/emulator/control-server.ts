import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ControlReply, ControlRequest } from './control-protocol.js';
import type { Faults } from './faults.js';

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
      createInterface(socket).once('line', (line) => {
        // The other side is this same command.
        const reply = answer(faults, JSON.parse(line) as ControlRequest);
        socket.end(`${JSON.stringify(reply)}\n`);
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

function answer(faults: Faults, request: ControlRequest): ControlReply {
  switch (request.action) {
    case 'drop':
      return { dropped: faults.drop() };
    case 'fail':
      faults.begin(request.fault, request.duration);
      return {};
    case 'recover':
      return { ended: faults.end(request.fault) };
  }
}
