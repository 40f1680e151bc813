import { connectMultiplexer, connectWithAzure, connectWithKey, connectWithTimer } from './ioredis.js';
import { connectNodeRedis, connectNodeRedisCluster } from './node-redis.js';
import type { PeerClient, PeerSettings } from './peer.js';

/** Connects a client, and resolves when it can be used. */
export function connectPeer(settings: PeerSettings): Promise<PeerClient> {
  switch (settings.peer) {
    case 'ioredis':
      return connectWithKey(settings);
    case 'ioredis and a timer':
      return connectWithTimer(settings);
    case 'node-redis':
      return connectNodeRedis(settings);
    default:
      return connectWithAzure(settings);
  }
}

/** Connects a client for subscriptions. */
export function connectSubscriber(settings: PeerSettings): Promise<Pick<PeerClient, 'subscribe' | 'close'>> {
  if (settings.peer === 'Multiplexer') return connectMultiplexer(settings);
  if (settings.peer === 'node-redis' && settings.isCluster) return connectNodeRedisCluster(settings);
  return connectPeer(settings);
}

/** How a client is named in the results. */
export function nameOf({ peer, ioredis, protocol }: PeerSettings): string {
  if (peer === 'node-redis') return `node-redis with @redis/entraid, RESP${protocol}`;
  const version = ioredis === 5 ? 'ioredis 5' : `ioredis 6, RESP${protocol}`;
  return peer === 'Multiplexer' ? `Multiplexer, RESP${protocol}` : `${peer}, ${version}`;
}
