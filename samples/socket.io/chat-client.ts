import { io, type Socket } from 'socket.io-client';
import type { ClientToServerEvents, ServerToClientEvents } from './protocol.js';

const ANSWER_TIMEOUT = 10_000;

/** A member of a room, which numbers what it says and counts what it hears of each member. */
export class ChatClient {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #room: string;
  readonly #last = new Map<string, number>();
  #said = 0;
  #heard = 0;
  #repeated = 0;

  private constructor(url: string, room: string) {
    this.#socket = io(url, { transports: ['websocket'], reconnection: false, ackTimeout: ANSWER_TIMEOUT });
    this.#room = room;
    this.#socket.on('said', ({ from, text }) => {
      this.#count(from, Number(text));
    });
  }

  /** Resolves when it is a member of the room. */
  static async join(url: string, room: string): Promise<ChatClient> {
    const client = new ChatClient(url, room);
    const refusal = await client.#socket.emitWithAck('join', room);
    if (refusal !== null) throw new Error(refusal);
    return client;
  }

  get said(): number {
    return this.#said;
  }

  get heard(): number {
    return this.#heard;
  }

  /** Messages that arrived twice, or after a later one. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Says the next number, and resolves when the server has accepted it. */
  async say(): Promise<void> {
    this.#said += 1;
    const refusal = await this.#socket.emitWithAck('say', this.#room, String(this.#said));
    if (refusal !== null) throw new Error(refusal);
  }

  close(): void {
    this.#socket.disconnect();
  }

  #count(from: string, number: number): void {
    const last = this.#last.get(from) ?? 0;
    this.#heard += 1;
    if (number > last) this.#last.set(from, number);
    else this.#repeated += 1;
  }
}
