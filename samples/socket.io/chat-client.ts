import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import type { ClientToServerEvents, ServerToClientEvents } from './chat-server.js';

/** A member of the room, which numbers what it says and counts what it hears of each member. */
export class ChatClient {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #last = new Map<string, number>();
  said = 0;
  heard = 0;
  /** Messages that arrived twice, or after a later one. */
  repeated = 0;

  private constructor(url: string) {
    this.#socket = io(url, { transports: ['websocket'], reconnection: false, ackTimeout: 10_000 });
    this.#socket.on('said', ({ from, text }) => {
      this.heard += 1;
      if (Number(text) > (this.#last.get(from) ?? 0)) this.#last.set(from, Number(text));
      else this.repeated += 1;
    });
  }

  static async join(url: string): Promise<ChatClient> {
    const client = new ChatClient(url);
    await once(client.#socket as never, 'connect');
    return client;
  }

  /** Says the next number, and resolves when the server has accepted it. */
  async say(): Promise<void> {
    this.said += 1;
    const refusal = await this.#socket.emitWithAck('say', String(this.said));
    if (refusal !== null) throw new Error(refusal);
  }

  /** The last number that it has heard of each of so many members. */
  latestOf(members: number): number {
    return this.#last.size < members ? 0 : Math.min(...this.#last.values());
  }

  close(): void {
    this.#socket.disconnect();
  }
}
