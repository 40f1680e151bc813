import type { PeerName } from '../peers/peer.js';
import type { Scale } from '../row.js';

/** The versions of ioredis and protocols under which tokens expire. */
export const VARIANTS = [
  { ioredis: 6, protocol: 3 },
  { ioredis: 6, protocol: 2 },
  { ioredis: 5, protocol: 2 },
] as const;

/** The share of a token's lifetime after which every client requests the next one, so that the short lives here leave time. */
export const REFRESH_RATIO = 0.5;

/** How many token lifetimes pass under the load of a library. */
export function expiriesOf(peer: PeerName, { expiries, peerExpiries }: Scale): number {
  return peer === 'ioredis-azure' || peer === 'Multiplexer' ? expiries : peerExpiries;
}
