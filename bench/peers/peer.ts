import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { callRemote } from '../remote.js';
import type { CacheAddress } from '../cache.js';

/** The libraries that are compared, each used as its own documentation says. */
export type PeerName = 'ioredis' | 'ioredis and a timer' | 'node-redis' | 'ioredis-azure' | 'Multiplexer';

export interface PeerSettings {
  readonly peer: PeerName;
  /** The major version of ioredis. */
  readonly ioredis: 5 | 6;
  readonly protocol: 2 | 3;
  readonly cache: CacheAddress;
  /** Whether the cache is clustered. */
  readonly isCluster?: boolean;
  /** The share of a token's lifetime after which the next one is requested. Default: that of the library. */
  readonly refreshRatio?: number;
  /** ioredis' option. */
  readonly enableAutoPipelining?: boolean;
}

/** An entry of a stream. */
export interface StreamEntry {
  readonly id: string;
  readonly value: string;
}

/** The operations of the rows on a client of any library. */
export interface PeerClient {
  get(key: string): Promise<unknown>;
  incr(key: string): Promise<unknown>;
  /** Sends these GETs in one pipeline. */
  pipeline(keys: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  /** Blocks until there is an item. */
  pop(queue: string): Promise<string | undefined>;
  /** Blocks until there is an item; `undefined` after a reply without one. */
  move(source: string, destination: string): Promise<string | undefined>;
  /** Blocks until there are entries after `id`. */
  readAfter(stream: string, id: string): Promise<readonly StreamEntry[]>;
  close(): Promise<void> | void;
}

/** A credential of the process that supplies tokens. */
export function credentialOf({ tokenPort }: CacheAddress): TokenCredential {
  return { getToken: () => callRemote<AccessToken>(tokenPort, 'token') };
}

/** The user name of an identity: its object id. */
export function objectIdOf(token: string): string {
  const [, claims = ''] = token.split('.');
  const { oid } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { oid: string };
  return oid;
}
