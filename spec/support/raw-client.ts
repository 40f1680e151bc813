import { expect } from 'chai';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeCommand } from '../../emulator/resp/encode.js';

/** Where a raw client connects to. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Plain TCP without it. */
  readonly ca?: string;
}

/** A client that knows nothing of Redis, for specs in which every byte counts. */
export class RawClient {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<unknown>;
  /** How many bytes have come that nobody has asked for yet. */
  #waiting = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#ended = new Promise((resolve) => {
      socket.once('end', resolve);
      socket.once('close', resolve);
    });
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
      socket.emit('received');
    });
    // An abrupt end is an end.
    socket.on('error', () => undefined);
  }

  static async connect({ host, port, ca }: Address): Promise<RawClient> {
    // Its own end is its own affair, as with every client that may half-close.
    const options = { host, port, allowHalfOpen: true, noDelay: true };
    const socket = ca === undefined ? connectTcp(options) : connectTls({ ...options, ca });
    await once(socket, ca === undefined ? 'connect' : 'secureConnect');
    return new RawClient(socket);
  }

  /** Sends bytes as they are. */
  send(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends bytes, and resolves when the system has taken them: in a packet of their own. */
  async sendPacket(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.write(bytes, () => {
        resolve();
      });
    });
  }

  command(...args: readonly (string | Buffer)[]): void {
    this.send(encodeCommand(args));
  }

  /** As many bytes as this, once they have come, as Latin-1 text; fewer if the server ends the connection before. */
  async receive(length: number): Promise<string> {
    while (this.#waiting < length && !this.#socket.readableEnded && !this.#socket.destroyed) {
      await Promise.race([once(this.#socket, 'received'), this.#ended]);
    }
    const received = Buffer.concat(this.#chunks.splice(0));
    this.#waiting = Math.max(0, received.length - length);
    if (this.#waiting > 0) this.#chunks.push(received.subarray(length));
    return received.toString('latin1', 0, length);
  }

  /** Expects the next bytes to be these. */
  async expect(bytes: string): Promise<void> {
    expect(await this.receive(bytes.length)).to.equal(bytes);
  }

  /** One line, without its end. */
  async line(): Promise<string> {
    let line = '';
    while (!line.endsWith('\r\n')) {
      const byte = await this.receive(1);
      if (byte === '') return line;
      line += byte;
    }
    return line.slice(0, -2);
  }

  /** Everything that comes before the server ends the connection. */
  async rest(): Promise<string> {
    await this.#ended;
    return this.receive(this.#waiting);
  }

  /** Stops reading: what comes stays in the system's buffers. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that nothing more will be sent; goes on to receive. */
  end(): void {
    this.#socket.end();
  }

  /** Resolves when the server has ended the connection. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
