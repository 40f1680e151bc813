import { EventEmitter } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import { connect, end } from './lifecycle.js';
import type { Topology } from './topology.js';

interface InteractiveConnectionEvents {
  ready: [];
  lost: [];
  /** The connection is available again, after `gap` ms. */
  restored: [gap: number];
  /** ioredis has given the client up, as its retry strategy told it to. */
  ended: [];
  failed: [error: unknown];
}

/** The connection for commands: the protocol that it negotiated, and when it is lost and restored. */
export class InteractiveConnection<
  Interactive extends Redis | Cluster,
> extends EventEmitter<InteractiveConnectionEvents> {
  readonly client: Interactive;
  /** The protocol that was negotiated last: while it connects, ioredis knows only the one that it will ask for. */
  #protocol: 2 | 3 = 2;
  /** Since when the connection is lost (`performance.now()`). */
  #lostAt: number | undefined;
  /** Whether a loss matters: not before the multiplexer is connected, nor when it closes. */
  #isInUse = false;

  constructor(topology: Topology<Interactive>) {
    super();
    this.client = topology.interactive;
    const listeners = {
      ready: () => {
        this.#protocol = topology.protocol();
        this.emit('ready');
      },
      close: () => {
        this.#lost();
      },
      end: () => {
        if (this.#isInUse) this.emit('ended');
      },
    };
    for (const [event, listener] of Object.entries(listeners)) this.client.on(event, listener);
    this.client.on('error', (error: unknown) => {
      this.emit('failed', error);
    });
  }

  get protocol(): 2 | 3 {
    return this.#protocol;
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  async connect(): Promise<void> {
    await connect(this.client);
  }

  /** From now on a loss of the connection is reported. */
  use(): void {
    this.#isInUse = true;
  }

  /** Everything that it carries, subscriptions included, works again. */
  reportRestored(): void {
    if (this.#lostAt === undefined) return;
    const gap = Math.round(performance.now() - this.#lostAt);
    this.#lostAt = undefined;
    this.emit('restored', gap);
  }

  /** Ends the client. What it has sent is answered first. */
  async close(): Promise<void> {
    this.#isInUse = false;
    await end(this.client);
  }

  #lost(): void {
    if (this.#lostAt !== undefined || !this.#isInUse) return;
    this.#lostAt = performance.now();
    this.emit('lost');
  }
}
