import type { Socket } from 'node:net';
import type { RedisValue } from './resp/decode.js';
import { decodeReply, RedisReplyError } from './resp/decode.js';
import { encodeCommand } from './resp/encode.js';
import { ReplyFramer } from './resp/reply-framer.js';

interface Call {
  resolve(value: RedisValue): void;
  reject(error: Error): void;
}

/** A client of the real server with all permissions, which bypasses the endpoints. It speaks RESP2. */
export class AdminConnection {
  readonly #socket: Socket;
  readonly #calls: Call[] = [];
  readonly #framer: ReplyFramer;
  #received: Buffer = Buffer.alloc(0);
  #replies = 0;
  #failure: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#framer = new ReplyFramer({
      elementsWanted: () => 0,
      isAside: () => false,
      reply: () => {
        this.#replies++;
      },
    });
    socket.on('data', (chunk) => {
      this.#receive(chunk);
    });
    socket.on('error', (error) => {
      this.#fail(error);
    });
    socket.on('close', () => {
      this.#fail(new Error('The connection to redis-server is closed.'));
    });
  }

  /** Runs a command and resolves to its reply; rejects with the error reply. */
  call(...args: readonly (string | number | Buffer)[]): Promise<RedisValue> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#calls.push({ resolve, reject });
      this.#socket.write(encodeCommand(args.map((arg) => (typeof arg === 'number' ? String(arg) : arg))));
    });
  }

  /** Closes the connection; calls in progress are rejected, with this error if it is given. */
  close(error?: Error): void {
    this.#socket.destroy(error);
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    this.#framer.push(chunk);
    while (this.#replies > 0) {
      this.#replies--;
      const { value, end } = decodeReply(this.#received);
      this.#received = this.#received.subarray(end);
      const call = this.#calls.shift();
      if (value instanceof RedisReplyError) call?.reject(value);
      else call?.resolve(value);
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const call of this.#calls.splice(0)) call.reject(this.#failure);
  }
}
