import { expect } from 'chai';
import { once } from 'node:events';
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeCommand } from '../../emulator/resp/encode.js';

/** The address of a raw client's server. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** TLS options; plain TCP if absent. */
  readonly ca?: string;
  /** The name in the certificate. Default: `host`. */
  readonly servername?: string;
}

/** A client without a Redis protocol, for specs that compare bytes. */
export class RawClient {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<unknown>;
  /** The number of received bytes that have not been read. */
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
    // A reset counts as the end.
    socket.on('error', () => undefined);
  }

  static async connect({ host, port, ca, servername = host }: Address): Promise<RawClient> {
    // It may half-close: its own side stays open until it is ended.
    const options = { host, port, allowHalfOpen: true, noDelay: true };
    const socket =
      ca === undefined
        ? connectTcp(options)
        : connectTls({ ...options, ca, ...(isIP(servername) === 0 && { servername }) });
    await once(socket, ca === undefined ? 'connect' : 'secureConnect');
    return new RawClient(socket);
  }

  /** Sends bytes unchanged. */
  send(bytes: string | Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends bytes in a separate packet; resolves when the system has accepted them. */
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

  /** The next `count` bytes as a Latin-1 string; fewer if the server ends the connection before. */
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

  /** Everything that arrives before the server ends the connection. */
  async rest(): Promise<string> {
    await this.#ended;
    return this.receive(this.#waiting);
  }

  /** Stops reading: input remains in the system's buffers. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Half-closes the connection; it still receives. */
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
