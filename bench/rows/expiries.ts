import type { PeerName } from '../peers/peer.js';
import type { Result } from '../result.js';
import type { Scale } from '../row.js';

/** The libraries whose commands are counted while tokens expire. */
const PEERS: readonly PeerName[] = ['ioredis-azure', 'ioredis and a timer', 'node-redis'];

/** The versions of ioredis and protocols under which tokens expire. */
const VARIANTS = [
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

/** The versions of ioredis and protocols with which a library is measured: node-redis does not depend on that of ioredis. */
export function variantsOf(peer: PeerName): (typeof VARIANTS)[number][] {
  return VARIANTS.filter(({ ioredis }) => peer !== 'node-redis' || ioredis === 6);
}

/** Counts with one library after the other, for the token lifetimes that each gets. */
export async function countWithEach(
  scale: Scale,
  progress: (text: string) => void,
  count: (peer: PeerName, expiries: number, scale: Scale) => Promise<Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const peer of PEERS) {
    const expiries = expiriesOf(peer, scale);
    if (expiries === 0) continue;
    progress(`${peer}: ${expiries} expiries`);
    results.push(...(await count(peer, expiries, scale)));
  }
  return results;
}
