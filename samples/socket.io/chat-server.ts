import { createServer, type Server as HttpServer } from 'node:http';
import { once } from 'node:events';
import { createAdapter } from '@socket.io/redis-adapter';
import type { Cluster, Redis } from 'ioredis';
import { Multiplexer, type ConfigureForAzureOptions } from 'ioredis-azure';
import { Server } from 'socket.io';

export interface ServerToClientEvents {
  said: (message: { readonly from: string; readonly text: string }) => void;
}
export interface ClientToServerEvents {
  /** Sends a text to all members of the room, of whichever server. Answers with the reason of a refusal, or `null`. */
  say: (text: string, done: (refusal: string | null) => void) => void;
}

const ROOM = 'lobby';
const MAX_TEXT_LENGTH = 1_000;

/** A chat server with one room, whose members may be connected to any number of servers. */
export class ChatServer {
  readonly #multiplexer: Multiplexer;
  readonly #subscriber: Redis | Cluster;
  readonly #http: HttpServer;
  readonly #io: Server<ClientToServerEvents, ServerToClientEvents>;

  private constructor(multiplexer: Multiplexer, prefix: string) {
    this.#multiplexer = multiplexer;
    // The adapter subscribes and publishes by itself, with clients of its own.
    // TypeScript does not call the overloads of a union.
    this.#subscriber = (multiplexer.interactive as Redis).duplicate();
    this.#subscriber.on('error', (error: Error) => {
      console.warn(`Redis connection failed: ${error.message}`);
    });
    this.#http = createServer();
    const adapter = createAdapter(publisher(multiplexer.interactive), this.#subscriber, {
      key: `${prefix}socket.io`,
    });
    this.#io = new Server(this.#http, { adapter });
    this.#io.on('connection', async (socket) => {
      socket.on('say', (text, done) => {
        // The types describe well-behaved clients only.
        if (typeof done !== 'function') return;
        if (typeof text !== 'string' || text.length > MAX_TEXT_LENGTH) {
          done(`A text must have at most ${MAX_TEXT_LENGTH} characters.`);
          return;
        }
        this.#io.to(ROOM).emit('said', { from: socket.id, text });
        done(null);
      });
      await socket.join(ROOM);
    });
  }

  /** @param port 0 for any free port. */
  static async start(options: ConfigureForAzureOptions, prefix: string, port: number): Promise<ChatServer> {
    // The adapter reads replies in the form that they have over RESP2.
    const multiplexer = await Multiplexer.connect({ ...options, replyMapping: 'legacy' });
    const server = new ChatServer(multiplexer, prefix);
    // The reply follows those of the adapter's subscriptions.
    await server.#subscriber.ping();
    server.#http.listen(port);
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#http.address();
    return `http://localhost:${typeof address === 'object' && address ? address.port : ''}`;
  }

  /** Disconnects the clients, which reconnect to another server, and then closes the connections to Redis. */
  async close(): Promise<void> {
    await this.#io.close();
    // Not quit(): without a connection it would wait for one.
    this.#subscriber.disconnect();
    await this.#multiplexer.close();
  }
}

/** The adapter handles no rejection of what it publishes: without a connection, an unhandled one would end the process. */
function publisher(client: Redis | Cluster): Redis | Cluster {
  const publish = async (channel: string, message: Buffer | string): Promise<number> =>
    client.publish(channel, message).catch(() => 0);
  return Object.assign(Object.create(client) as Redis | Cluster, { publish });
}
