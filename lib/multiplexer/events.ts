import type { EventEmitter } from 'node:events';
import { emitLater } from '../diagnostics.js';
import type { AzureRedisError } from '../errors.js';
import { connectionFailed } from './client-lifecycle.js';
import type { MaintenanceEvent } from './maintenance-events.js';

/** A connection of a multiplexer: for commands, or for subscriptions. */
export type ConnectionName = 'interactive' | 'subscriber';

/** The events of a {@link Multiplexer}. None of them contains a token, key or secret. */
export interface MultiplexerEvents {
  /** A connection was lost; it is replaced automatically. */
  connectionLost: [event: { readonly connection: ConnectionName; readonly endpoint: string }];
  /** The connection is available again, with its subscriptions, after `gap` ms. */
  connectionRestored: [
    event: { readonly connection: ConnectionName; readonly endpoint: string; readonly gap: number },
  ];
  /** Azure announced maintenance of a node. */
  maintenance: [event: MaintenanceEvent];
  /** A connection, a subscription or the listener of one failed. This event needs no listener. */
  error: [error: AzureRedisError];
}

/** Emits what happens to the connections of a multiplexer, and counts it. */
export class Reporter {
  reconnects = 0;
  handovers = 0;
  readonly #emitter: EventEmitter<MultiplexerEvents>;

  constructor(emitter: EventEmitter<MultiplexerEvents>) {
    this.#emitter = emitter;
  }

  lost(connection: ConnectionName, endpoint: string): void {
    emitLater(this.#emitter, 'connectionLost', { connection, endpoint });
  }

  restored(connection: ConnectionName, endpoint: string, gap: number): void {
    this.reconnects += 1;
    emitLater(this.#emitter, 'connectionRestored', { connection, endpoint, gap });
  }

  announced(event: MaintenanceEvent): void {
    emitLater(this.#emitter, 'maintenance', event);
  }

  failed(error: unknown): void {
    // EventEmitter throws an `error` event that has no listener.
    if (this.#emitter.listenerCount('error') > 0) emitLater(this.#emitter, 'error', connectionFailed(error));
  }
}
