import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface Route {
  readonly client: Socket;
  readonly server: Socket;
}

/** Whether a connection is meant, by the client's port. */
type IsMeant = (port: number) => boolean;

const ALL: IsMeant = () => true;

/**
 * The network between clients and an endpoint of this machine, with the faults that networks have. It passes bytes on
 * unread, so that TLS is between the two ends.
 */
export class Network {
  readonly #server: Server;
  readonly #routes = new Set<Route>();
  /** Clients whose endpoint has forgotten them. */
  readonly #lost = new Set<Socket>();
  /** Those whose replies are lost for good. */
  readonly #deaf = new WeakSet<Route>();
  #target: number;
  #isSilent = false;
  #isDown = false;
  #isNoisy = false;
  #delay = 0;
  #rate = Infinity;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.#route(client);
    });
  }

  static async to(port: number): Promise<Network> {
    const network = new Network(port);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The clients' ports of the open connections. */
  get ports(): number[] {
    return [...this.#routes].map(({ client }) => client.remotePort ?? 0);
  }

  /** From now on connections lead to this port. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** From now on connections are reset, those that are open too. */
  goDown(): void {
    this.#isDown = true;
    for (const { client, server } of this.#routes) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** From now on nothing passes in either direction, new connections included; all of them stay open. */
  goSilent(): void {
    this.#isSilent = true;
    for (const route of this.#routes) hush(route);
  }

  /** From now on nothing that the endpoint says arrives on these connections, while it still gets what they send. */
  loseReplies(isMeant: IsMeant = ALL): void {
    for (const route of this.#routesOf(isMeant)) {
      route.server.pause();
      this.#deaf.add(route);
    }
  }

  /** From now on nothing that the endpoint says arrives on these connections, until `restore()`. */
  holdReplies(isMeant: IsMeant = ALL): void {
    for (const { server } of this.#routesOf(isMeant)) server.pause();
  }

  /** The endpoint forgets these connections, and the clients are not told. */
  loseServerSides(isMeant: IsMeant = ALL): void {
    for (const route of this.#routesOf(isMeant)) {
      const { client, server } = route;
      hush(route);
      this.#routes.delete(route);
      this.#lost.add(client);
      server.removeAllListeners('close').destroy();
    }
  }

  /** From now on what the endpoint says arrives this much later, in ms. */
  delayReplies(delay: number): void {
    this.#delay = delay;
  }

  /** From now on this many bytes a second pass in either direction of each connection. */
  slowDown(rate: number): void {
    this.#rate = rate;
  }

  /** From now on what passes is changed on the way. */
  corrupt(): void {
    this.#isNoisy = true;
  }

  /** Ends all faults; what was held up passes now, as TCP would send it again. */
  restore(): void {
    this.#isDown = false;
    this.#isSilent = false;
    this.#isNoisy = false;
    this.#delay = 0;
    this.#rate = Infinity;
    for (const route of this.#routes) {
      if (this.#deaf.has(route)) continue;
      route.client.resume();
      route.server.resume();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const client of this.#lost) client.destroy();
    for (const { client, server } of this.#routes) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  #routesOf(isMeant: IsMeant): Route[] {
    return [...this.#routes].filter(({ client }) => isMeant(client.remotePort ?? 0));
  }

  #route(client: Socket): void {
    if (this.#isDown) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const route = { client, server };
    this.#routes.add(route);
    this.#pass(client, server, () => 0);
    this.#pass(server, client, () => this.#delay);
    for (const [end, other] of [
      [client, server],
      [server, client],
    ] as const) {
      end.on('close', () => {
        this.#routes.delete(route);
        other.destroySoon();
      });
    }
    if (this.#isSilent) hush(route);
  }

  /** Passes on what comes from one end to the other one, in its order. */
  #pass(from: Socket, to: Socket, delay: () => number): void {
    let passed: Promise<unknown> = Promise.resolve();
    const afterDelay = (act: () => void): void => {
      const due = performance.now() + delay();
      passed = passed.then(() => sleep(Math.max(0, due - performance.now()))).then(act);
    };
    from.on('data', (bytes) => {
      afterDelay(() => to.write(this.#isNoisy ? corrupted(bytes) : bytes));
      if (this.#rate === Infinity) return;
      from.pause();
      void sleep((1_000 * bytes.length) / this.#rate).then(() => from.resume());
    });
    from.on('end', () => {
      afterDelay(() => to.end());
    });
    // The close that follows says all there is to say.
    from.on('error', () => undefined);
  }
}

function corrupted(bytes: Buffer): Buffer {
  return bytes.map((byte) => byte ^ 0x55) as Buffer;
}

function hush({ client, server }: Route): void {
  client.pause();
  server.pause();
}
