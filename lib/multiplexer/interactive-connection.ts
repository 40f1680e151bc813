import { EventEmitter } from 'node:events';
import type { Cluster, Redis } from 'ioredis';
import { connect, end } from './lifecycle.js';
import type { Topology } from './topology.js';

interface InteractiveConnectionEvents {
  ready: [];
  lost: [];
  /** The connection is available again, after `gap` ms. */
  restored: [gap: number];
  /** The retry strategy has given up the client. */
  ended: [];
  failed: [error: unknown];
}

/** The connection for commands, with the protocol that it has negotiated; reports when it is lost and restored. */
export class InteractiveConnection<
  Interactive extends Redis | Cluster,
> extends EventEmitter<InteractiveConnectionEvents> {
  readonly client: Interactive;
  /** The protocol that was negotiated last: while it connects, ioredis knows only the one that it will request. */
  #protocol: 2 | 3 = 2;
  /** Since when the connection is lost (`performance.now()`). */
  #lostAt: number | undefined;
  /** Whether a loss is reported: not before the multiplexer is connected, nor while it closes. */
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

  /** Starts to report losses of the connection. */
  use(): void {
    this.#isInUse = true;
  }

  /** The connection, with its subscriptions, is restored. */
  reportRestored(): void {
    if (this.#lostAt === undefined) return;
    const gap = Math.round(performance.now() - this.#lostAt);
    this.#lostAt = undefined;
    this.emit('restored', gap);
  }

  /** Ends the client after its pending replies have arrived. */
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
