import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import type { ConfiguredRedisOptions } from 'ioredis-azure';
import { Server, type Socket } from 'socket.io';
import { closeClient } from '../shared/close-client.js';
import { AdapterClient } from './adapter-client.js';
import type { ClientToServerEvents, ServerToClientEvents } from './protocol.js';

type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

const ROOM = /^[a-z0-9-]{1,64}$/;
const MAX_TEXT_LENGTH = 1_000;

/** A chat server. The members of a room may be connected to any number of servers. */
export class ChatServer {
  readonly #http: HttpServer;
  readonly #io: Server<ClientToServerEvents, ServerToClientEvents>;
  readonly #publisher: AdapterClient;
  readonly #subscriber: AdapterClient;

  private constructor(options: ConfiguredRedisOptions) {
    this.#publisher = new AdapterClient(options);
    this.#subscriber = new AdapterClient(options);
    for (const client of [this.#publisher, this.#subscriber]) {
      client.on('error', (error) => {
        console.warn(`Redis connection failed: ${error.message}`);
      });
    }
    this.#http = createServer();
    this.#io = new Server(this.#http, { adapter: createAdapter(this.#publisher, this.#subscriber) });
    this.#io.on('connection', (socket) => {
      this.#serve(socket);
    });
  }

  /** @param port 0 for any free port. */
  static async start(options: ConfiguredRedisOptions, port: number): Promise<ChatServer> {
    const server = new ChatServer(options);
    try {
      // The replies follow those of the adapter's subscriptions on the same connection.
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

  /** Disconnects the clients, which reconnect to another server, and then closes the connections to Redis. */
  async close(): Promise<void> {
    await this.#io.close();
    await Promise.all([closeClient(this.#publisher), closeClient(this.#subscriber)]);
  }

  #serve(socket: ChatSocket): void {
    // The types describe well-behaved clients only: a missing callback must not end the process.
    socket.use(([event, ...args], next) => {
      next(typeof args.at(-1) === 'function' ? undefined : new Error(`'${event}' requires a callback.`));
    });
    socket.on('error', (error) => {
      console.warn(`Event ignored: ${error.message}`);
    });
    socket.on('join', async (room, done) => {
      if (typeof room !== 'string' || !ROOM.test(room)) {
        done('The name of a room must consist of a to z, 0 to 9 and hyphens.');
        return;
      }
      await socket.join(room);
      done(null);
    });
    socket.on('say', (room, text, done) => {
      if (!socket.rooms.has(room)) {
        done('Join the room first.');
      } else if (typeof text !== 'string' || text.length > MAX_TEXT_LENGTH) {
        done(`A text must have at most ${MAX_TEXT_LENGTH} characters.`);
      } else {
        this.#io.to(room).emit('said', { from: socket.id, text });
        done(null);
      }
    });
  }
}
