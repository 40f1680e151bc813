import type { AzureRedisError } from '../errors.js';
import type { MaintenanceEvent } from './maintenance-events.js';

/** A connection of a multiplexer: for commands, or for subscriptions. */
export type ConnectionName = 'interactive' | 'subscriber';

/**
 * The state of a multiplexer: `ready` when all of its connections are; `reconnecting` while one is being replaced;
 * `closing` and `closed` once `close()` has been called, or ioredis has given up the interactive connection.
 */
export type MultiplexerStatus = 'ready' | 'reconnecting' | 'closing' | 'closed';

/** A snapshot of a multiplexer's connection. */
export interface MultiplexerConnection {
  /** Which of the connections it is. */
  readonly name: ConnectionName;
  /** `host:port`, or the path of a Unix socket. */
  readonly endpoint: string;
  /** ioredis' status of the client: `ready` when it can be used. */
  readonly status: string;
}

/** Counters of a multiplexer, since it was connected. */
export interface MultiplexerStatistics {
  /** How many commands of the interactive connection await their replies, or a connection. */
  readonly commandsInFlight: number;
  /** How often a lost connection was restored. */
  readonly reconnects: number;
  /** How often a subscriber connection was replaced while its predecessor still delivered messages. */
  readonly handovers: number;
  /** How many messages were delivered to subscriptions. */
  readonly messages: number;
}

/** The events of a {@link Multiplexer}. None of them contains a token, key or secret. */
export interface MultiplexerEvents {
  /** A connection was lost; it is replaced automatically. With RESP3 there is only the interactive one. */
  connectionLost: [event: { readonly connection: ConnectionName; readonly endpoint: string }];
  /** The connection is available again, with its subscriptions, after `gap` ms. */
  connectionRestored: [
    event: { readonly connection: ConnectionName; readonly endpoint: string; readonly gap: number },
  ];
  /** Azure announced maintenance of a node. */
  maintenance: [event: MaintenanceEvent];
  /** A connection, or a listener of a subscription, failed. This event needs no listener. */
  error: [error: AzureRedisError];
}
