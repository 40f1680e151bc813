import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import type { ConfiguredRedisOptions } from 'ioredis-azure';
import { Server } from 'socket.io';
import type { ClientToServerEvents, ServerToClientEvents } from './protocol.js';

const ROOM = /^[a-z0-9-]{1,64}$/;
const LONGEST_TEXT = 1_000;

/** A chat server. The members of a room may be connected to any number of servers. */
export class ChatServer {
  readonly #http: HttpServer;
  readonly #io: Server<ClientToServerEvents, ServerToClientEvents>;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;

  private constructor(options: ConfiguredRedisOptions) {
    // The adapter awaits no publish: one that is rejected would end the process. So commands wait for the connection.
    this.#publisher = new Redis({ ...options, maxRetriesPerRequest: null });
    this.#subscriber = this.#publisher.duplicate();
    for (const client of [this.#publisher, this.#subscriber]) {
      client.on('error', (error) => {
        console.warn(`Redis connection failed: ${error.message}`);
      });
    }
    this.#http = createServer();
    this.#io = new Server(this.#http, { adapter: createAdapter(this.#publisher, this.#subscriber) });
    this.#io.on('connection', (socket) => {
      socket.on('join', (room, done) => {
        if (!ROOM.test(room)) {
          done('The name of a room consists of a to z, 0 to 9 and hyphens.');
          return;
        }
        Promise.resolve(socket.join(room)).then(
          () => {
            done(null);
          },
          (error: unknown) => {
            console.error('Not joined:', error);
            done('The room cannot be joined now.');
          },
        );
      });
      socket.on('say', (room, text, done) => {
        if (!socket.rooms.has(room)) {
          done('Join the room first.');
        } else if (typeof text !== 'string' || text.length > LONGEST_TEXT) {
          done(`A text has at most ${LONGEST_TEXT} characters.`);
        } else {
          this.#io.to(room).emit('said', { from: socket.id, text });
          done(null);
        }
      });
    });
  }

  /** @param port 0 for any free one. */
  static async start(options: ConfiguredRedisOptions, port: number): Promise<ChatServer> {
    const server = new ChatServer(options);
    try {
      // Answered after the subscriptions of the adapter, on the same connection: nothing is missed from here on.
      await Promise.all([server.#publisher.ping(), server.#subscriber.ping()]);
      server.#http.listen(port);
      await once(server.#http, 'listening');
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url(): string {
    const address = this.#http.address();
    return `http://localhost:${typeof address === 'object' && address !== null ? address.port : ''}`;
  }

  /** Disconnects the clients, which will connect to another server, and closes the connections to Redis. */
  async close(): Promise<void> {
    await this.#io.close();
    await Promise.all([this.#publisher.quit(), this.#subscriber.quit()]);
  }
}
