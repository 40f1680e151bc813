import type { Stall } from '../diagnostics.js';

/** Why a connection was replaced instead of re-authenticated. */
export type RecycleReason =
  /** It is subscribed over RESP2, where the server accepts no AUTH. */
  | 'subscriber'
  /** It is in MONITOR mode, where ioredis sends no AUTH. */
  | 'monitor'
  /** The AUTH was not answered in time: the connection is dead, or blocked by a command in a pipeline. */
  | 'blocked'
  /** Its credentials end, and the new ones are of another user. */
  | 'identity'
  /** The application sent RESET, after which the connection is neither logged in nor set up. */
  | 'reset'
  /** The server refused or ended a command since, after a failover, it is not the primary or has no data yet. */
  | 'failover'
  /** It owed a reply for longer than `heartbeatTimeout`, and the server answers other connections. */
  | 'stalled'
  /** `Multiplexer.forceReconnect()` was called. */
  | 'requested'
  /** Azure has failed over to another node, or scaled the cache, or its node has no slots any more: it may be dropped at any time. */
  | 'maintenance';

/**
 * How the messages of a connection's channels arrived across its replacement.
 *
 * - `exactly-once`: each message arrived once.
 * - `at-least-once`: none was lost, some may have arrived twice.
 * - `at-most-once`: messages published during the gap did not arrive.
 * - `best-effort`: another node of a cluster took over. It may lag behind, so that messages published during the gap did
 *   not arrive, and some published shortly before it may have arrived twice.
 */
export type Delivery = 'exactly-once' | 'at-least-once' | 'at-most-once' | 'best-effort';

/** How a connection was replaced. */
export interface Replacement {
  /** How long there was no connection, in ms. */
  readonly gap: number;
  /** How the messages of its channels arrived. */
  readonly delivery: Delivery;
}

/** What an authenticator tells of its connections. Each event has one object as its argument, which never contains a secret. */
export interface ConnectionEvents {
  /** A live connection was re-authenticated with the new token. */
  reauthenticated: [event: { readonly endpoint: string; readonly expiresOn: Date }];
  /** The re-authentication of a live connection failed; it is retried automatically. */
  reauthenticationFailed: [event: { readonly endpoint: string; readonly error: Error }];
  /**
   * A connection owed a reply for longer than `heartbeatTimeout`, and is replaced. `silence` says for how many ms nothing
   * arrived, `awaited` is the name of the command whose reply was due.
   */
  stalled: [event: Stall];
  /** A connection was replaced after `gap` ms without one; `delivery` says how its messages were delivered. */
  recycled: [event: Replacement & { readonly endpoint: string; readonly reason: RecycleReason }];
}

/** Tells of a connection. */
export type Report = <Name extends keyof ConnectionEvents>(
  name: Name,
  event: ConnectionEvents[Name][0],
) => void;
